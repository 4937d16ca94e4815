"""A site as an operator sets it up by command: authority, certificates, and a mosquitto with the generated configuration."""

import json
import os
import pwd
import signal
import socket
import subprocess
import time
from pathlib import Path

from click.testing import CliRunner

from api.cli import heliograph
from api.ports import free_port
from devices.mqtt import Tls

NETWORK = "site"


def call(*arguments) -> dict:
    """Run a command that prints JSON."""
    done = CliRunner().invoke(heliograph, [str(argument) for argument in arguments])
    assert done.exit_code == 0, done.stderr
    return json.loads(done.stdout)


class SecureSite:
    """Everything in one folder; `start` and `stop` are the broker's."""

    def __init__(self, folder: Path, executable: str) -> None:
        self.folder = folder
        self.ca = folder / "ca"
        self.executable = executable
        self.port = free_port()
        self.url = f"mqtts://127.0.0.1:{self.port}"
        self.broker: subprocess.Popen | None = None
        call("enrol", "ca", "--site", "roofs", "--out", self.ca)
        call("enrol", "broker", "127.0.0.1", "localhost", "--ca", self.ca, "--out", folder / "broker")

    def enrol(self, role: str, name: str, *more) -> tuple[dict, Tls]:
        made = call("enrol", role, name, "--ca", self.ca, "--out", self.folder / name, *more)
        return made, Tls(Path(made["ca"]), Path(made["certificate"]), Path(made["key"]))

    def configure(self) -> None:
        state = self.folder / "state"
        state.mkdir(exist_ok=True)
        call(
            *("broker-config", "--network", NETWORK, "--ca", self.ca, "--out", self.folder / "broker"),
            *("--port", self.port, "--bind", "127.0.0.1", "--state", state),
            *("--run-as", pwd.getpwuid(os.getuid()).pw_name),
        )
        if self.broker is not None:
            time.sleep(1.1)  # revocation lists are told apart by the second they were made in
            self.broker.send_signal(signal.SIGHUP)
            time.sleep(0.3)

    def start(self) -> None:
        log = (self.folder / "mosquitto.log").open("ab")
        self.broker = subprocess.Popen(
            [self.executable, "-c", str(self.folder / "broker" / "mosquitto.conf")], stdout=log, stderr=log
        )
        log.close()
        deadline = time.monotonic() + 10
        while True:
            assert self.broker.poll() is None, self.log()
            try:
                socket.create_connection(("127.0.0.1", self.port), timeout=1).close()
            except OSError:
                assert time.monotonic() < deadline, self.log()
                time.sleep(0.05)
            else:
                return

    def stop(self) -> None:
        if self.broker is not None:
            self.broker.terminate()
            self.broker.wait(5)
            self.broker = None

    def log(self) -> str:
        return (self.folder / "mosquitto.log").read_text()
