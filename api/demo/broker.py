"""A broker for one machine: amqtt in this process, or a mosquitto started as a child.

Both listen on 127.0.0.1 at a free port, keep nothing on disk and admit anyone who reaches that port.
"""

import asyncio
import contextlib
import logging
import shutil
import socket
import subprocess
import tempfile
import threading
from pathlib import Path
from types import TracebackType
from typing import Self

from amqtt.broker import Broker  # type: ignore[import-untyped] # ships no type marker
from amqtt.contexts import BrokerConfig, ListenerConfig  # type: ignore[import-untyped] # the same

from api.ports import free_port

_START_SECONDS = 10.0
_STOP_SECONDS = 3.0


class BrokerStartError(RuntimeError):
    """The broker did not come up."""


class InProcessBroker:
    """amqtt on a thread of its own. Speaks MQTT 3.1.1 only and keeps no session of an absent client."""

    def __init__(self) -> None:
        self.url = ""
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread: threading.Thread | None = None
        self._up = threading.Event()
        self._down: asyncio.Event | None = None
        self._failure: BaseException | None = None

    def start(self) -> str:
        """Start and return the URL to connect to.

        Raises:
            BrokerStartError: it does not listen within ten seconds.

        """
        port = free_port()
        logging.getLogger("amqtt").setLevel(logging.ERROR)  # it warns at each MQTT 5 client, which is expected here
        logging.getLogger("transitions").setLevel(logging.WARNING)
        self._thread = threading.Thread(target=self._run, args=(port,), name="broker", daemon=True)
        self._thread.start()
        if not self._up.wait(_START_SECONDS) or self._failure is not None:
            raise BrokerStartError(f"amqtt does not listen on 127.0.0.1:{port}") from self._failure
        self.url = f"mqtt://127.0.0.1:{port}"
        return self.url

    def stop(self) -> None:
        """Stop; connected clients are cut off. Does nothing the second time."""
        if self._loop is not None and self._down is not None and self._thread is not None:
            with contextlib.suppress(RuntimeError):  # the loop may have ended by itself
                self._loop.call_soon_threadsafe(self._down.set)
            self._thread.join(_STOP_SECONDS)
        self._thread = self._down = None

    def _run(self, port: int) -> None:
        try:
            asyncio.run(self._serve(port))
        except BaseException as error:  # noqa: BLE001 - reported by start(), in the thread that can act on it
            self._failure = error
        finally:
            self._up.set()

    async def _serve(self, port: int) -> None:
        self._loop, self._down = asyncio.get_running_loop(), asyncio.Event()
        plugins = {"amqtt.plugins.authentication.AnonymousAuthPlugin": {"allow_anonymous": True}}
        listener = ListenerConfig(bind=f"127.0.0.1:{port}")
        broker = Broker(BrokerConfig(listeners={"default": listener}, plugins=plugins))
        await broker.start()
        self._up.set()
        await self._down.wait()
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(broker.shutdown(), _STOP_SECONDS - 1)
        # amqtt leaves open what a client opened and never used.
        for transport in list(getattr(self._loop, "_transports", {}).values()):
            transport.abort()
        await asyncio.sleep(0)

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.stop()


class MosquittoBroker:
    """A mosquitto child on a free port of 127.0.0.1, with a configuration of its own in a temporary folder."""

    def __init__(self, executable: str | Path, port: int | None = None) -> None:
        self.executable = str(executable)
        self.url = ""
        self._port = port
        self._folder: tempfile.TemporaryDirectory[str] | None = None
        self._child: subprocess.Popen[bytes] | None = None

    @staticmethod
    def find() -> str | None:
        """Return the path of an installed mosquitto, which system packages may place outside PATH."""
        return shutil.which("mosquitto") or shutil.which("mosquitto", path="/usr/sbin:/usr/local/sbin")

    def start(self) -> str:
        """Start and return the URL to connect to.

        Raises:
            BrokerStartError: it cannot be executed, ends at once, or does not listen within ten seconds.

        """
        port = self._port or free_port()
        self._folder = tempfile.TemporaryDirectory(prefix="heliograph-mosquitto-")
        config = Path(self._folder.name) / "mosquitto.conf"
        config.write_text(
            f"listener {port} 127.0.0.1\nallow_anonymous true\npersistence false\n"
            "max_inflight_messages 256\nmax_queued_messages 100000\nlog_dest none\n",
            encoding="ascii",
        )
        try:
            self._child = subprocess.Popen(  # noqa: S603 - the executable is the caller's choice, no shell is involved
                [self.executable, "-c", str(config)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
            )
        except OSError as error:
            self.stop()
            raise BrokerStartError(f"{self.executable} cannot be started: {error}") from error
        for _ in range(int(_START_SECONDS / 0.05)):
            if self._child.poll() is not None:
                break
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
                self.url = f"mqtt://127.0.0.1:{port}"
                return self.url
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._child.wait(0.05)
        self.stop()
        raise BrokerStartError(f"{self.executable} does not listen on 127.0.0.1:{port}")

    def stop(self) -> None:
        """Stop the child that was started, and remove its folder. Does nothing the second time."""
        if self._child is not None:
            self._child.terminate()
            try:
                self._child.wait(_STOP_SECONDS)
            except subprocess.TimeoutExpired:
                self._child.kill()
                self._child.wait()
        if self._folder is not None:
            self._folder.cleanup()
        self._child = self._folder = None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.stop()
