"""What the dashboard takes from others: pinned, listed with licence and hash, and built from nothing else."""

import hashlib
import json
import re
import shutil
import subprocess

import pytest

from api.dashboard.pages import FOLDER

BUNDLE, VENDOR = FOLDER / "bundle", FOLDER / "vendor"
FREE = {"Apache-2.0", "MIT", "BSD-3-Clause", "0BSD", "OFL-1.1"}


@pytest.fixture
def manifest(require):
    require("what npm brings for the dashboard", (VENDOR / "MANIFEST.json").is_file(), "make assets")
    return json.loads((VENDOR / "MANIFEST.json").read_text())


def listed():
    row = r"^\| `vendor/(\S+)` \| (\S+) \| (\S+) \| (\S+) \| `([0-9a-f]{64})` \|$"
    rows = re.findall(row, (BUNDLE / "LICENCES.md").read_text(), re.MULTILINE)
    return {(path, name, version, licence, digest) for path, name, version, licence, digest in rows}


def test_versions_are_exact_and_locked_by_hash():
    wanted = json.loads((BUNDLE / "package.json").read_text())["devDependencies"]
    packages = json.loads((BUNDLE / "package-lock.json").read_text())["packages"]
    for name, version in wanted.items():
        assert re.fullmatch(r"\d+\.\d+\.\d+", version), name
        assert packages[f"node_modules/{name}"]["version"] == version
    for path, package in packages.items():
        assert path == "" or package["integrity"].startswith("sha512-"), path
        assert "resolved" not in package


def test_the_list_says_what_was_built(manifest):
    built = {
        (file["path"], package["name"], package["version"], package["licence"], file["sha256"])
        for file in manifest["files"]
        for package in file["packages"]
    }
    assert built == listed()
    assert {licence for _, _, _, licence, _ in built} <= FREE


def test_every_file_is_the_one_listed_and_has_its_licence_beside_it(manifest):
    for file in manifest["files"]:
        content = (VENDOR / file["path"]).read_bytes()
        assert hashlib.sha256(content).hexdigest() == file["sha256"]
        assert len(content) == file["bytes"]
        for package in file["packages"]:
            assert len((VENDOR / package["text"]).read_text(encoding="utf-8")) > 400


def test_nothing_lies_in_the_folder_that_the_list_does_not_name(manifest):
    named = {file["path"] for file in manifest["files"]} | {"MANIFEST.json"}
    named |= {package["text"] for file in manifest["files"] for package in file["packages"]}
    assert {path.relative_to(VENDOR).as_posix() for path in VENDOR.rglob("*") if path.is_file()} == named


def test_the_same_packages_give_the_same_bytes(require, tmp_path):
    node = shutil.which("node")
    require("Node.js", node, "apt-get install nodejs")
    require("what npm brings for the dashboard", (BUNDLE / "node_modules").is_dir(), "make assets")
    copy = tmp_path / "dashboard"
    shutil.copytree(FOLDER / "verifier", copy / "verifier")
    shutil.copytree(BUNDLE, copy / "bundle", symlinks=True, ignore=shutil.ignore_patterns("node_modules", ".build-*"))
    (copy / "bundle" / "node_modules").symlink_to(BUNDLE / "node_modules")
    run = subprocess.run(
        [node, copy / "bundle" / "build.mjs", "--check"], capture_output=True, text=True, timeout=120, check=False
    )
    assert run.returncode == 0, run.stderr
    (copy / "bundle" / "LICENCES.md").write_text("")
    altered = subprocess.run(
        [node, copy / "bundle" / "build.mjs", "--check"], capture_output=True, text=True, timeout=120, check=False
    )
    assert altered.returncode == 1
    assert "LICENCES.md" in altered.stderr
