"""What a user has after `pip install heliograph`: the wheel, no checkout, no root, nothing to write to but a home."""

import contextlib
import json
import os
import pwd
import re
import shutil
import signal
import subprocess
import sys
import sysconfig
import tempfile
import time
import urllib.request
import zipfile
from dataclasses import dataclass
from pathlib import Path

import pytest

PACKAGES = ("api", "contracts", "devices", "oracle")
START_SECONDS = 120
STOP_SECONDS = 5
ADDRESS = r"http://(?:127\.0\.0\.1|localhost):\d+(?=\s)"


@dataclass(frozen=True)
class Installation:
    """The wheel in an environment of its own, and somebody to run it."""

    environment: Path
    home: Path
    as_somebody: tuple[str, ...]
    """What goes before a command, so that it runs without root's rights."""

    def command(self, program, *arguments):
        return [*self.as_somebody, str(self.environment / "bin" / program), *map(str, arguments)]

    def variables(self):
        # Packages from pip must do: no broker and no chain but those that came with the wheel.
        parts = {"HELIOGRAPH_BROKER": "amqtt", "HELIOGRAPH_CHAIN": "eth-tester"}
        kept = {name: text for name, text in os.environ.items() if name.startswith("OPENBLAS_")}
        return {
            **kept,
            **parts,
            "HOME": str(self.home),
            "TMPDIR": str(self.home),
            "PATH": "/usr/bin:/bin",
            "LANG": "C.UTF-8",
        }

    def run(self, program, *arguments, timeout=60):
        return subprocess.run(
            self.command(program, *arguments),
            cwd=self.home,
            env=self.variables(),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=timeout,
            check=False,
        )


@pytest.fixture(scope="module")
def wheel(repository, tmp_path_factory):
    folder = tmp_path_factory.mktemp("wheel")
    subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "--target", "wheel", "--directory", folder],
        cwd=repository,
        check=True,
        capture_output=True,
    )
    (path,) = folder.glob("heliograph-*.whl")
    return path


def without_rights(require, python):
    """The command prefix that takes root's rights away; empty for anybody else."""
    if os.geteuid() != 0:
        return ()
    require(
        "setpriv", shutil.which("setpriv"), "as root this test becomes another user with it; it is part of util-linux"
    )
    nobody = pwd.getpwnam("nobody")
    become = ("setpriv", f"--reuid={nobody.pw_uid}", f"--regid={nobody.pw_gid}", "--clear-groups", "--no-new-privs")
    # Where Python lies in root's home, nobody may read (and only read) everything.
    read_all = ("--inh-caps=+dac_read_search", "--ambient-caps=+dac_read_search")
    for prefix in (become, become + read_all):
        which = [*prefix, python, "-c", "import sys; print(sys.version, sys.base_prefix)"]
        attempt = subprocess.run(which, capture_output=True, text=True, cwd="/", env={}, check=False)
        # Where this Python cannot be read, another one may answer.
        if attempt.stdout == f"{sys.version} {sys.base_prefix}\n":
            return prefix
    require("a Python that other users can run", present=False, reason=f"{python} runs for root only")
    raise AssertionError


@pytest.fixture(scope="module")
def installation(wheel, require):
    with tempfile.TemporaryDirectory(prefix="heliograph-") as folder:
        top = Path(folder)
        top.chmod(0o755)
        environment = top / "environment"
        python = environment / "bin" / "python"
        subprocess.run([sys.executable, "-m", "venv", "--without-pip", environment], check=True)
        install = ["install", "--quiet", "--disable-pip-version-check", "--no-index", "--no-deps", wheel]
        subprocess.run([sys.executable, "-m", "pip", "--python", python, *install], check=True)
        (site_packages,) = environment.glob("lib/python3*/site-packages")
        # The dependencies are those of this environment; its own heliograph is an editable one, which a .pth does not follow.
        (site_packages / "dependencies.pth").write_text(sysconfig.get_path("purelib") + "\n", encoding="utf-8")
        home = top / "home"
        home.mkdir()
        somebody = without_rights(require, python)
        if somebody:
            shutil.chown(home, "nobody")
        with read_only(environment):
            yield Installation(environment, home, somebody)


@contextlib.contextmanager
def read_only(folder):
    folders = [folder, *(path for path in folder.rglob("*") if path.is_dir() and not path.is_symlink())]
    files = [path for path in folder.rglob("*") if path.is_file() and not path.is_symlink()]
    for path in [*files, *folders]:
        path.chmod(path.stat().st_mode & ~0o222)
    try:
        yield
    finally:
        for path in folders:
            path.chmod(path.stat().st_mode | 0o200)


def test_the_wheel_holds_every_module_and_artifact_and_nothing_else(repository, wheel):
    names = {name for name in zipfile.ZipFile(wheel).namelist() if ".dist-info/" not in name}
    sources = {
        str(path.relative_to(repository)) for package in PACKAGES for path in (repository / package).rglob("*.py")
    }
    modules = {name for name in sources if "node_modules" not in name}
    artifacts = {
        str(path.relative_to(repository))
        for folder in ("abi", "peer")
        for path in (repository / "contracts" / folder).glob("*.json")
    }
    assert len(artifacts) > 5
    assert modules | artifacts <= names
    assert {name.split("/")[0] for name in names} == set(PACKAGES)
    assert {name for name in names if name.startswith("contracts/")} == artifacts | {
        name for name in modules if name.startswith("contracts/")
    }
    assert not [name for name in names if re.search(r"node_modules|/tests?/|\.(sol|md)$", name)]


def test_the_packages_come_from_the_wheel_and_cannot_be_written_to(installation):
    program = (
        "import api, contracts, devices, oracle, os, sys\n"
        "for package in (api, contracts, devices, oracle):\n"
        "    print(os.path.dirname(package.__file__), os.access(os.path.dirname(package.__file__), os.W_OK))\n"
        "print(os.geteuid())"
    )
    result = installation.run("python", "-c", program)
    assert result.returncode == 0, result.stderr
    *places, user = result.stdout.splitlines()
    assert int(user) != 0
    (site_packages,) = installation.environment.glob("lib/python3*/site-packages")
    assert places == [f"{site_packages / package} False" for package in PACKAGES]


def test_demo_runs_once_and_its_books_balance(installation):
    written = installation.home / "out.json"
    result = installation.run(
        "heliograph", "demo", "--once", "--days", 1, "--plants", 2, "--json", written, timeout=300
    )
    assert result.returncode == 0, result.stderr
    figures = json.loads(written.read_text(encoding="utf-8"))
    assert figures["balanced"] is True
    assert figures["minted_wh"] == figures["attested_wh"] > 0


@contextlib.contextmanager
def running_demo(installation, said):
    """A demo without --once, its output in the file `said`."""
    with (
        said.open("wb") as output,
        subprocess.Popen(
            installation.command("heliograph", "demo", "--days", 1, "--plants", 2),
            cwd=installation.home,
            env=installation.variables(),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
        ) as demo,
    ):
        try:
            yield demo
        finally:
            demo.kill()


def wait_for(pattern, demo, said):
    """Wait until a running demo has printed what the pattern finds."""
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline:
        text = said.read_text(encoding="utf-8")
        if found := re.search(pattern, text):
            return found[0]
        assert demo.poll() is None, f"the demo ended by itself:\n{text}"
        time.sleep(0.1)
    raise AssertionError(f"no {pattern} in {START_SECONDS} s:\n{said.read_text(encoding='utf-8')}")


def test_ctrl_c_ends_a_living_demo_cleanly(installation, tmp_path):
    said = tmp_path / "said.txt"
    with running_demo(installation, said) as demo:
        with urllib.request.urlopen(wait_for(ADDRESS, demo, said), timeout=10) as page:
            assert page.status == 200
        wait_for("Ctrl-C", demo, said)
        demo.send_signal(signal.SIGINT)
        assert demo.wait(STOP_SECONDS) == 0, said.read_text(encoding="utf-8")
    assert "Traceback" not in said.read_text(encoding="utf-8")
    assert not list(installation.home.glob("heliograph-demo-*"))


def test_ctrl_c_while_settling_is_no_false_book(installation, tmp_path):
    said = tmp_path / "said.txt"
    with running_demo(installation, said) as demo:
        wait_for(ADDRESS, demo, said)
        demo.send_signal(signal.SIGINT)
        interrupted, settled_meanwhile = 128 + signal.SIGINT, 0
        assert demo.wait(STOP_SECONDS) in {interrupted, settled_meanwhile}, said.read_text(encoding="utf-8")
    assert "Traceback" not in said.read_text(encoding="utf-8")
