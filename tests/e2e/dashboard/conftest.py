"""A demo as a new user starts it, and a browser that reaches nothing but it."""

import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import pytest

from tests.support.dashboard_pages import open_page, sign_in
from tests.support.demo_owner import Owner

ADDRESS = re.compile(r"API: (http://127\.0\.0\.1:\d+)")
SETTLED_WITHIN_S = 180
WIDTHS = {"phone": 390, "wide": 1280}
HEIGHT = 900
TIMEOUT_MS = 20_000
HARMLESS = "Failed to load resource"  # how the browser tells of an answer that the page expects: 401 before the sign-in


@dataclass
class Heard:
    """What a browser did while a test looked at pages."""

    outside: list[str] = field(default_factory=list)
    """Requests that would have left the machine."""
    complaints: list[str] = field(default_factory=list)
    """Errors in the console, violations of the content security policy among them."""


@pytest.fixture(scope="session")
def demo(require, repository, tmp_path_factory) -> Iterator[str]:
    """`heliograph demo`, settled and going on; one that runs already where HELIOGRAPH_DEMO says so."""
    if address := os.environ.get("HELIOGRAPH_DEMO"):
        yield address
        return
    require(
        "what npm brings for the dashboard",
        (repository / "api/dashboard/vendor/MANIFEST.json").is_file(),
        "make assets",
    )
    console = tmp_path_factory.mktemp("demo") / "console"
    with console.open("wb") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", "api.cli", "demo", "--days", "3", "--plants", "4"],
            cwd=repository,
            stdout=output,
            stderr=subprocess.STDOUT,
            stdin=subprocess.DEVNULL,
            env=os.environ | {"COLUMNS": "200", "NO_COLOR": "1"},
        )
    _running.append(process)
    try:
        yield _address_when_settled(process, console)
    finally:
        _end_demos()


_running: list[subprocess.Popen] = []
"""Demos that these tests started."""


def _end_demos() -> None:
    while _running:
        process = _running.pop()
        process.send_signal(signal.SIGINT)
        try:
            process.wait(30)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


@pytest.hookimpl(trylast=True)
def pytest_runtest_teardown(nextitem):
    """End the demo with the last of these tests: it would go on producing beside all others."""
    if nextitem is None or Path(__file__).parent not in nextitem.path.parents:
        _end_demos()


def _address_when_settled(process: subprocess.Popen, console: Path) -> str:
    deadline = time.monotonic() + SETTLED_WITHIN_S
    while time.monotonic() < deadline:
        said = console.read_text(errors="replace")
        assert process.poll() is None, f"the demo ended:\n{said}"
        found = ADDRESS.search(said)
        if found and _is_settled(found[1]):
            return found[1]
        time.sleep(0.5)
    raise AssertionError(
        f"the demo has not settled within {SETTLED_WITHIN_S} s:\n{console.read_text(errors='replace')}"
    )


def _is_settled(address: str) -> bool:
    """Whether energy was minted and money was paid: then every page has something to show."""
    try:
        stations = {each["name"]: each for each in httpx.get(f"{address}/v1/status").json()["stations"]}
    except (httpx.HTTPError, ValueError, KeyError):
        return False
    return bool(stations["minted"]["energy_wh"]) and bool(stations["paid"]["paid_minor"])


@pytest.fixture(scope="session")
def retired(demo):
    """Credits that were retired, so that there is a certificate to look at."""
    with Owner(demo) as owner:
        owner.retire_something()


@pytest.fixture(scope="module")
def chromium(require):
    """Debian's browser. Not for the whole session: while Playwright runs, no test can run an event loop of its own."""
    program = shutil.which("chromium")
    require("chromium", program, "apt-get install chromium")
    api = pytest.importorskip("playwright.sync_api")
    with api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=["--no-sandbox"])
        yield browser
        browser.close()


@pytest.fixture
def heard():
    """What the browser does in this test: nothing may leave the machine, and nothing may go wrong in a page."""
    said = Heard()
    yield said
    assert said.outside == []
    assert said.complaints == []


@pytest.fixture
def new_page(demo, chromium, heard):
    """`new_page(width="wide", scheme="light", language="en", state=None)`: a page of a browser of its own."""
    contexts = []

    def make(width="wide", scheme="light", language="en", state=None):
        context = chromium.new_context(
            viewport={"width": WIDTHS[width], "height": HEIGHT},
            color_scheme=scheme,
            has_touch=width == "phone",
            storage_state=state,
            base_url=demo,
            accept_downloads=True,
        )
        contexts.append(context)
        context.set_default_timeout(TIMEOUT_MS)
        context.add_cookies([{"name": "heliograph_language", "value": language, "url": demo}])
        context.route(lambda address: not _is_here(address), lambda route: route.abort())
        context.on("request", lambda request: None if _is_here(request.url) else heard.outside.append(request.url))
        page = context.new_page()
        page.on("pageerror", lambda error: heard.complaints.append(str(error)))
        page.on("console", lambda message: _note(heard, message))
        return page

    yield make
    for context in contexts:
        context.close()


def _is_here(address: str) -> bool:
    parts = urlsplit(address)
    return parts.scheme in {"data", "blob"} or parts.hostname == "127.0.0.1"


def _note(heard: Heard, message) -> None:
    if message.type in {"error", "warning"} and HARMLESS not in message.text:
        heard.complaints.append(f"{message.text} ({message.location.get('url', '')})")


@pytest.fixture(scope="module")
def owner_state(demo, chromium):
    """The cookies of a browser in which the first owner has signed in."""
    context = chromium.new_context(base_url=demo, viewport={"width": WIDTHS["wide"], "height": HEIGHT})
    context.set_default_timeout(TIMEOUT_MS)
    page = context.new_page()
    open_page(page, "/")
    sign_in(page)
    state = context.storage_state()
    context.close()
    return state
