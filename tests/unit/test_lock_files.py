"""The lock files hold what pyproject.toml asks for, as far as can be told without asking a package registry."""

import re
import tomllib
from importlib.metadata import PackageNotFoundError, requires
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

LOCK_FILES = ["requirements.lock", "requirements-dev.lock"]
# Installed into an environment of its own, so these tests cannot ask its packages what they need.
ALL_LOCK_FILES = [*LOCK_FILES, "requirements-prove.lock"]
PINNED = re.compile(
    r"^(?P<requirement>[A-Za-z0-9][^\\\n]*?) \\\n(?P<hashes>(?:    --hash=sha256:[0-9a-f]{64}(?: \\)?\n)*)",
    re.MULTILINE,
)


def pins(text):
    """Requirement of each pin that counts on this platform, by package name."""
    found = (Requirement(match["requirement"]) for match in PINNED.finditer(text))
    return {canonicalize_name(pin.name): pin for pin in found if pin.marker is None or pin.marker.evaluate()}


def group(pyproject, name):
    for entry in pyproject["dependency-groups"][name]:
        if isinstance(entry, dict):
            yield from group(pyproject, entry["include-group"])
        else:
            yield Requirement(entry)


def direct(pyproject, lock_file):
    if lock_file == "requirements-prove.lock":
        return list(group(pyproject, "prove"))
    project = [Requirement(entry) for entry in pyproject["project"]["dependencies"]]
    return [*project, *group(pyproject, "build" if lock_file == "requirements.lock" else "dev")]


def closure(requirements):
    """Names of all packages that the requirements lead to, told by the metadata of what is installed."""
    seen = set()
    waiting = list(requirements)
    while waiting:
        requirement = waiting.pop()
        name = canonicalize_name(requirement.name)
        for extra in sorted(requirement.extras) or [""]:
            if (name, extra) in seen:
                continue
            seen.add((name, extra))
            below = (Requirement(line) for line in requires(name) or [])
            waiting += [each for each in below if each.marker is None or each.marker.evaluate({"extra": extra})]
            waiting += [Requirement(name)] if extra else []
    return {name for name, _ in seen}


@pytest.fixture(scope="session")
def pyproject(repository: Path):
    return tomllib.loads((repository / "pyproject.toml").read_text(encoding="utf-8"))


@pytest.mark.parametrize("lock_file", ALL_LOCK_FILES)
def test_every_dependency_is_pinned_to_a_version_it_allows(repository, pyproject, lock_file):
    pinned = pins((repository / lock_file).read_text(encoding="utf-8"))
    for requirement in direct(pyproject, lock_file):
        (version,) = pinned[canonicalize_name(requirement.name)].specifier
        assert requirement.specifier.contains(version.version, prereleases=True), f"{requirement}: run make lock"


@pytest.mark.parametrize("lock_file", LOCK_FILES)
def test_nothing_else_is_pinned(repository, pyproject, lock_file):
    pinned = pins((repository / lock_file).read_text(encoding="utf-8"))
    try:
        needed = closure(direct(pyproject, lock_file))
    except PackageNotFoundError as error:
        pytest.fail(f"{error.name} is needed and not installed: run make lock")
    assert set(pinned) == needed


@pytest.mark.parametrize("lock_file", ALL_LOCK_FILES)
def test_every_pin_has_its_hashes(repository, lock_file):
    text = (repository / lock_file).read_text(encoding="utf-8")
    entries = [line for line in text.splitlines() if re.match(r"[A-Za-z0-9]", line)]
    matches = list(PINNED.finditer(text))
    assert len(matches) == len(entries) > 0
    assert all(match["hashes"] for match in matches)


def test_both_lock_files_pin_the_same_versions(repository):
    runtime, everything = (pins((repository / name).read_text(encoding="utf-8")) for name in LOCK_FILES)
    assert {name: str(pin) for name, pin in runtime.items()} == {name: str(everything[name]) for name in runtime}


@pytest.mark.parametrize("lock_file", ALL_LOCK_FILES)
def test_lock_files_name_no_place_to_download_from(repository, lock_file):
    assert "://" not in (repository / lock_file).read_text(encoding="utf-8")
