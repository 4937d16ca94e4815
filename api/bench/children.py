"""Processes of a run: started afresh, told to end through a pipe, and ended with the run whatever happens.

Each has one end of a pipe. It leaves Ctrl-C to the command, which closes the pipes; and it ends by itself when the pipe
breaks, so that nothing outlives a command that was killed.
"""

import functools
import multiprocessing
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from typing import Concatenate, ParamSpec

_SPAWN = multiprocessing.get_context("spawn")
_JOIN_S = 20.0
_KILL_S = 5.0
_Arguments = ParamSpec("_Arguments")


class ChildError(RuntimeError):
    """A process of the run ended with an error; what it said is on stderr."""


def child(
    work: Callable[Concatenate[Connection, _Arguments], None],
) -> Callable[Concatenate[Connection, _Arguments], None]:
    """Make a function the work of a process: deaf to Ctrl-C, ended quietly by a broken pipe."""

    @functools.wraps(work)
    def run(connection: Connection, /, *arguments: _Arguments.args, **named: _Arguments.kwargs) -> None:
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        try:
            work(connection, *arguments, **named)
        except (BrokenPipeError, EOFError):
            return
        finally:
            connection.close()

    return run


class Children:
    """Processes that live as long as a block."""

    def __init__(self) -> None:
        self._running: list[tuple[BaseProcess, Connection]] = []

    def start(
        self,
        name: str,
        work: Callable[Concatenate[Connection, _Arguments], None],
        *arguments: _Arguments.args,
        **named: _Arguments.kwargs,
    ) -> Connection:
        """Start a process and return our end of its pipe."""
        ours, theirs = _SPAWN.Pipe()
        process = _SPAWN.Process(target=work, args=(theirs, *arguments), kwargs=named, name=name)
        process.start()
        theirs.close()
        self._running.append((process, ours))
        return ours

    def pids(self) -> dict[str, int]:
        """Process ids by name."""
        return {process.name: process.pid or 0 for process, _ in self._running}

    def join(self) -> None:
        """Wait for all to end.

        Raises:
            ChildError: one of them failed, or does not end.

        """
        for process, _ in self._running:
            process.join(_JOIN_S)
            if process.exitcode != 0:
                raise ChildError(f"{process.name} ended with {process.exitcode}")

    def stop(self) -> None:
        """End all that still run: by a broken pipe, then by a signal, then for good."""
        for _, ours in self._running:
            ours.close()
        for process, _ in self._running:
            process.join(_KILL_S)
        for end in (BaseProcess.terminate, BaseProcess.kill):
            for process, _ in self._running:
                if process.is_alive():
                    end(process)
                    process.join(_KILL_S)
        self._running.clear()


@contextmanager
def spawned() -> Iterator[Children]:
    """Hand out a set of processes that is ended at the end of the block."""
    children = Children()
    try:
        yield children
    finally:
        children.stop()
