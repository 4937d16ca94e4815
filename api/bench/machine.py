"""What the figures were measured on, and how much time each part took of it."""

import os
import platform
import re
import sqlite3
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

from cryptography.hazmat.backends.openssl import backend

from api.bench.servers import executable


def processor() -> dict[str, object]:
    """Processor, system and Python."""
    return {
        "cpu": _cpu(),
        "cores": os.cpu_count(),
        "kernel": platform.release(),
        "python": sys.version.split()[0],
    }


def machine() -> dict[str, object]:
    """Processor and versions."""
    return processor() | {
        "sqlite": sqlite3.sqlite_version,
        "openssl": backend.openssl_version_text(),
        "mosquitto": _mosquitto(),
    }


def cpu_seconds(root: int) -> float:
    """Processor time that a process and its descendants have taken so far [s]; 0 of one that is gone."""
    ticks: dict[int, float] = {}
    parents: dict[int, int] = {}
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with suppress(OSError):
            fields = stat.read_text().rpartition(")")[2].split()
            pid = int(stat.parent.name)
            parents[pid] = int(fields[1])
            ticks[pid] = int(fields[11]) + int(fields[12])
    family = {root}
    while more := {pid for pid, parent in parents.items() if parent in family} - family:
        family |= more
    return sum(ticks.get(pid, 0) for pid in family) / os.sysconf("SC_CLK_TCK")


def busy_seconds() -> float:
    """Processor time that all cores have spent on anything since the machine started [s]."""
    fields = [int(field) for field in Path("/proc/stat").read_text().split("\n", 1)[0].split()[1:9]]
    user, nice, system, _idle, _waiting, *interrupts_and_stolen = fields
    return (user + nice + system + sum(interrupts_and_stolen)) / os.sysconf("SC_CLK_TCK")


def disk_wait_seconds() -> float | None:
    """Time in which a process of this machine waited for a disk, since it started [s]; None where the kernel does not tell."""
    with suppress(OSError):
        found = re.search(r"^some .*total=(\d+)", Path("/proc/pressure/io").read_text())
        if found:
            return int(found[1]) / 1e6
    return None


def _cpu() -> str:
    with suppress(OSError):
        found = re.search(r"model name\s*:\s*(.+)", Path("/proc/cpuinfo").read_text())
        if found:
            return found[1]
    return platform.machine()


def _mosquitto() -> str:
    asked = subprocess.run(  # noqa: S603 - a server that we found
        [executable("mosquitto", "mosquitto"), "-h"], capture_output=True, text=True, check=False
    )
    found = re.search(r"version (\S+)", asked.stdout)
    return found[1] if found else "unknown"
