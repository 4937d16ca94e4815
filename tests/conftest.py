"""What every test may ask for: where the repository is, recorded data of real plants, and whether a service is there."""

import logging
import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parent.parent


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add how much the load tests do: little by default, as much as you like by command."""
    group = parser.getgroup("heliograph load tests")
    group.addoption("--kills", type=int, default=5, metavar="N", help="kill node, broker and database N times in all")
    group.addoption("--fuzz", type=int, default=20_000, metavar="N", help="make up N payloads")
    group.addoption("--api-minutes", type=float, default=1.0, metavar="M", help="ask the HTTP API for M minutes")
    group.addoption("--seed", type=int, metavar="N", help="what the random choices of a load test are made from")


def require(what: str, present: object, reason: str) -> None:
    """Go on only if `what` is present.

    Without it the test is skipped and says why; in continuous integration (CI=true), where `make test` has installed
    everything, it fails, so that a missing service cannot pass for a green run.

    Args:
        what: what the test needs, as its user knows it: "mosquitto"
        present: true if it is there; `shutil.which("mosquitto")` will do
        reason: how to get it: "apt-get install mosquitto"

    """
    if present:
        return
    text = f"{what} is missing: {reason}"
    if os.environ.get("CI") == "true":
        pytest.fail(text, pytrace=False)
    pytest.skip(text)


@pytest.fixture(scope="session", name="require")
def require_fixture() -> Callable[[str, object, str], None]:
    """`require(what, present, reason)`, for tests and for fixtures of any scope."""
    return require


@pytest.fixture(autouse=True)
def logging_as_it_was() -> Iterator[None]:
    """Undo what a command that ran in this process set up for its own log: the next test's log is not its business."""
    loggers = [logging.getLogger(name) for name in (None, "api", "devices", "oracle")]
    levels = [logger.level for logger in loggers]
    handlers = logging.getLogger().handlers.copy()
    yield
    for logger, level in zip(loggers, levels, strict=True):
        logger.setLevel(level)
    logging.getLogger().handlers[:] = handlers


@pytest.fixture(scope="session")
def repository() -> Path:
    """Root of the repository."""
    return REPOSITORY


@pytest.fixture(scope="session")
def recorded_data() -> Path:
    """Folder of files recorded on real plants, which is not part of the repository: without it the test is skipped, in CI too."""
    folder = REPOSITORY.parent / "shared" / "data"
    if not folder.is_dir():
        pytest.skip("recorded data of real plants is not part of the repository: ../shared/data is absent")
    return folder
