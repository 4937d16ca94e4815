"""Ctrl-C and SIGTERM: an exit code that says "stopped", never the 1 that means "false"."""

import os
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

EXIT_INTERRUPTED = 130
SIGNALS = (signal.SIGINT, signal.SIGTERM)


def stop_on_signals(stop: threading.Event) -> None:
    """End cleanly at the first signal, wherever the program is; what is durable stays so. The second ends the clean-up too."""

    def on_signal(number: int, _frame: FrameType | None) -> None:
        if stop.is_set():
            raise SystemExit(128 + number)
        stop.set()
        raise KeyboardInterrupt

    for number in SIGNALS:
        signal.signal(number, on_signal)


@contextmanager
def leaving_at_once(exit_code: int = EXIT_INTERRUPTED) -> Iterator[None]:
    """End at once at a signal, while modules are imported: nothing is running yet that would need to be cleaned up.

    No exception is raised for that, because a module that does without an optional import may swallow it.
    """

    def leave(_number: int, _frame: FrameType | None) -> None:
        os.write(2, b"stopped\n")
        os._exit(exit_code)

    before = {number: signal.signal(number, leave) for number in SIGNALS}
    try:
        yield
    finally:
        for number, action in before.items():
            signal.signal(number, action)
