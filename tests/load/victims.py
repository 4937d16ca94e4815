"""What is killed and started again: real servers, each on its port and in its folder."""

import json
import os
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path

from api.ports import free_port

START_S = 40.0
LEAVE_S = 10.0
"""Within this, the workers of a node that was killed have left by themselves [s]."""


class NodeVictim:
    """`heliograph node` with the head-end workers that it starts, if it starts any."""

    name = "node"

    def __init__(self, config: Path, folder: Path) -> None:
        self.port = free_port()
        self._config = config
        self.log = folder / "node.log"
        self._child: subprocess.Popen | None = None
        self._orphans: list[int] = []

    def start(self):
        """Start it and wait until it hears."""
        with self.log.open("ab") as log:
            command = [sys.executable, "-m", "api.cli", "node", "--config", str(self._config)]
            self._child = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=log)
        deadline = time.monotonic() + START_S
        while self.figures("readyz") is None:
            assert self._child.poll() is None, f"the node ended by itself:\n{self.said()}"
            assert time.monotonic() < deadline, f"the node does not get ready:\n{self.said()}"
            time.sleep(0.1)

    def kill(self):
        """Kill it, and it alone."""
        self._orphans += self.workers()
        self._child.kill()
        self._child.wait()

    def check_orphans(self):
        """Whoever it left behind has gone, too, without being told."""
        deadline = time.monotonic() + LEAVE_S
        while left := [pid for pid in self._orphans if is_running(pid)]:
            assert time.monotonic() < deadline, f"workers {left} outlive their node"
            time.sleep(0.05)
        self._orphans.clear()

    def workers(self):
        """Process ids of its head-end workers."""
        return [pid for pid in children_of(self._child.pid) if b"spawn_main" in command_line(pid)]

    def figures(self, path="healthz"):
        """What it tells of itself; None if it does not answer, or says that something is wrong."""
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/{path}", timeout=2) as answer:
                return json.load(answer)
        except (urllib.error.HTTPError, OSError):
            return None

    def end(self):
        """Ask it to stop, as an operator does; return its exit code."""
        self._child.terminate()
        return self._child.wait(15)

    def said(self):
        """The end of its log."""
        return self.log.read_text()[-4000:]

    def close(self):
        """Leave nothing behind, whatever happened."""
        if self._child is not None and self._child.poll() is None:
            self._orphans += self.workers()
            self._child.kill()
            self._child.wait()
        for pid in self._orphans:
            if is_running(pid):
                os.kill(pid, signal.SIGKILL)


class WorkerVictim:
    """One of a node's head-end workers. The node starts another."""

    name = "worker"

    def __init__(self, node: NodeVictim, random) -> None:
        self._node = node
        self._random = random

    def kill(self):
        workers = self._node.workers()
        os.kill(self._random.choice(workers), signal.SIGKILL)

    def start(self):
        deadline = time.monotonic() + START_S
        while len(self._node.workers()) < 2:
            assert time.monotonic() < deadline, f"no other worker was started:\n{self._node.said()}"
            time.sleep(0.05)


class BrokerVictim:
    """The site's mosquitto, with its sessions on disk as they were at its last autosave, if there was one."""

    name = "broker"

    def __init__(self, site) -> None:
        self._site = site

    def kill(self):
        self._site.broker.kill()
        self._site.broker.wait()

    def start(self):
        self._site.start()


class DatabaseVictim:
    """InfluxDB; the nginx before it stays."""

    name = "database"

    def __init__(self, database) -> None:
        self._database = database

    def kill(self):
        self._database.kill()

    def start(self):
        self._database.start()


def state_of(pid):
    """(state letter, process id of the parent) of a process, None if it is gone."""
    try:
        state, parent = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[:2]
    except (FileNotFoundError, ProcessLookupError):
        return None
    return state, int(parent)


def is_running(pid):
    """Whether a process is there and no zombie."""
    state = state_of(pid)
    return state is not None and state[0] != "Z"


def children_of(parent):
    pids = (int(each.name) for each in Path("/proc").iterdir() if each.name.isdecimal())
    states = ((pid, state_of(pid)) for pid in pids)
    return sorted(pid for pid, state in states if state is not None and state[1] == parent and state[0] != "Z")


def command_line(pid):
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes()
    except (FileNotFoundError, ProcessLookupError):
        return b""
