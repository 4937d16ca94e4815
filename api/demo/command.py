"""A demo as the command line runs it: logging, errors as one line, an exit code."""

import logging
import threading

from rich.console import Console
from rich.logging import RichHandler

from api.cli import fail
from api.demo.broker import BrokerStartError
from api.demo.choices import Choices
from api.demo.run import run_demo
from devices.recordings import RecordingError
from oracle.errors import ChainError, ConfigError


def carry_out(choices: Choices, stop: threading.Event) -> int:
    """Run a demo and return its exit code; what goes wrong is told in one line and exits by itself.

    Raises:
        KeyboardInterrupt: it was stopped.

    """
    console = Console(stderr=True)
    _configure_logging(console, verbose=choices.verbose)
    try:
        return 0 if run_demo(choices, console, stop) else 1
    except (ConfigError, RecordingError) as error:
        fail(str(error), 2)
    except OSError as error:
        fail(f"{error.filename or 'a file'}: {error.strerror or error}", 2)
    except (ChainError, BrokerStartError) as error:
        fail(str(error), 3)
    raise AssertionError("fail() exits")


def _configure_logging(console: Console, *, verbose: bool) -> None:
    handler = RichHandler(console=console, show_path=False, log_time_format="[%H:%M:%S]")
    logging.basicConfig(level=logging.WARNING, format="%(message)s", handlers=[handler])
    for ours in ("api", "devices", "oracle"):
        logging.getLogger(ours).setLevel(logging.INFO if verbose else logging.WARNING)
