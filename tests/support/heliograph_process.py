"""A `heliograph` command that serves until it is told to stop: started, waited for, ended."""

import subprocess
import sys
import time


class HeliographProcess:
    """One command with its configuration; may be started again after its end."""

    def __init__(self, command, config, log):
        self.config = config
        self.log = log
        self.process = None
        self._command = command

    def is_ready(self):
        """Whether it serves; asked until it does."""
        raise NotImplementedError

    def start(self):
        with self.log.open("ab") as log:
            command = [sys.executable, "-m", "api.cli", self._command, "--config", str(self.config)]
            self.process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=log)
        deadline = time.monotonic() + 30
        while not self.is_ready():
            assert self.process.poll() is None, self.log.read_text()
            assert time.monotonic() < deadline, self.log.read_text()
            time.sleep(0.1)

    def end(self, number):
        """Send a signal; (exit code, seconds it took, what was printed)."""
        began = time.monotonic()
        self.process.send_signal(number)
        stdout, _ = self.process.communicate(timeout=10)
        return self.process.returncode, time.monotonic() - began, stdout

    def close(self):
        if self.process is not None and self.process.poll() is None:
            self.process.kill()
            self.process.communicate()
