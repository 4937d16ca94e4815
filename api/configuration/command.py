"""What every configured process does with --config, --check and --example, and how it ends."""

import os
import signal
import threading
from collections.abc import Callable
from pathlib import Path
from types import FrameType
from typing import Protocol, TypeVar

import click

from api.cli import fail
from api.configuration.logs import start_log
from api.configuration.settings import LogSettings
from oracle.errors import ChainError, ConfigError, JournalError

STOP_S = 5.0
"""A process that is asked to stop is gone after this, whatever hangs [s]. What is durable stays so."""
EXIT_STUCK = 130


class Config(Protocol):
    """A configuration file, read."""

    @property
    def log(self) -> LogSettings:
        """What goes to stderr."""

    def check(self) -> list[str]:
        """Read what it names, and return the names of what is not there yet. Raises ConfigError."""


AnyConfig = TypeVar("AnyConfig", bound=Config)


def carry_out(
    path: Path, load: Callable[[Path], AnyConfig], run: Callable[[AnyConfig, threading.Event], None], *, check: bool
) -> None:
    """Check a configuration, and unless that was all, run the process until SIGTERM or SIGINT.

    Exit codes: 0 checked, or stopped as asked; 2 the configuration cannot be used; 3 the chain does not answer, or a port
    is taken; 130 stopped as asked, but something hung.
    """
    try:
        config = load(path)
        missing = config.check()
        if check:
            for each in missing:
                click.echo(f"{path}: {each} is not there yet", err=True)
            click.echo(f"{path}: ok")
            return
        if missing:
            fail(f"{path}: {missing[0]} is not there", 2)
        start_log(config.log)
        run(config, _stop_on_signals())
    except (ConfigError, JournalError) as error:
        fail(str(error), 2)
    except ChainError as error:
        fail(str(error), 3)
    except OSError as error:
        fail(str(error.strerror or error), 3)


def _stop_on_signals() -> threading.Event:
    """Return an event that the first SIGTERM or SIGINT sets. Five seconds later, or at the second, the process is gone."""
    stop = threading.Event()

    def on_signal(_number: int, _frame: FrameType | None) -> None:
        stop.set()
        last_resort = threading.Timer(STOP_S, os._exit, (EXIT_STUCK,))
        last_resort.daemon = True
        last_resort.start()
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, signal.SIG_DFL)

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, on_signal)
    return stop
