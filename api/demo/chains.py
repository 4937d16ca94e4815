"""A chain to run on: in this process by default, anvil where it is installed, or any EVM node by URL."""

import os
import shutil
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Sequence
from types import TracebackType
from typing import Any, Self

from web3 import EthereumTesterProvider, HTTPProvider, Web3
from web3.types import RPCEndpoint, RPCResponse

from api.ports import free_port
from oracle.errors import ChainError

BLOCK_GAS_LIMIT = 30_000_000
START_TIMEOUT_S = 20


class RunningChain:
    """A chain that is up; leaving the context stops what was started here."""

    def __init__(self, name: str, connect: Callable[[], Web3], stop: Callable[[], None] = lambda: None) -> None:
        self.name = name
        """What it is, for people."""
        self.connect = connect
        """Make a fresh client."""
        self._stop = stop

    def __enter__(self) -> Self:
        """Hand out the chain."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop it."""
        self._stop()


class _SerialTesterProvider(EthereumTesterProvider):
    """eth-tester is not made for threads: one request at a time, whichever client it comes from."""

    _one_at_a_time = threading.RLock()

    def make_request(self, method: RPCEndpoint, params: Any) -> RPCResponse:  # noqa: ANN401  web3's signature
        """Answer one request."""
        with self._one_at_a_time:
            return super().make_request(method, params)


def start_chain(choice: str, anvil_options: Sequence[str] = ()) -> RunningChain:
    """Start or reach a chain.

    Args:
        choice: `auto` (anvil if it is on the PATH, else in process), `eth-tester`, `anvil`, or a URL.
        anvil_options: further arguments for anvil, should it be started.

    Raises:
        ChainError: the node cannot be reached, or anvil is asked for and not there.

    """
    if choice == "eth-tester" or (choice == "auto" and shutil.which("anvil") is None):
        return _eth_tester()
    if choice in ("auto", "anvil"):
        return _anvil(anvil_options)
    if "://" not in choice:
        raise ChainError(f"--chain {choice}: expected auto, eth-tester, anvil or a URL")
    if not _client(choice).is_connected():
        raise ChainError(f"--chain {choice}: no node answers there")
    return RunningChain(f"the node at {choice}", lambda: _client(choice))


def _client(url: str) -> Web3:
    return Web3(HTTPProvider(url, request_kwargs={"timeout": 30}))


def _eth_tester() -> RunningChain:
    from eth_tester import (  # type: ignore[import-untyped]  # noqa: PLC0415  untyped; slow to import, not always needed
        EthereumTester,
        PyEVMBackend,
    )

    genesis = PyEVMBackend.generate_genesis_params({"gas_limit": BLOCK_GAS_LIMIT})
    tester = EthereumTester(PyEVMBackend(genesis_parameters=genesis))
    return RunningChain("eth-tester in this process", lambda: Web3(_SerialTesterProvider(tester)))


def _anvil(options: Sequence[str]) -> RunningChain:
    executable = shutil.which("anvil")
    if executable is None:
        raise ChainError("--chain anvil: anvil is not on the PATH")
    port = free_port()
    command = [executable, "--host", "127.0.0.1", "--port", str(port), "--silent", "--gas-limit", str(BLOCK_GAS_LIMIT)]
    command += options
    # A group of its own: anvil's npm launcher would leave the server behind if it alone were stopped.
    server = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True)  # noqa: S603
    url = f"http://127.0.0.1:{port}"

    def stop() -> None:
        if server.poll() is None:
            os.killpg(server.pid, signal.SIGTERM)
            try:
                server.wait(timeout=3)
            except subprocess.TimeoutExpired:
                os.killpg(server.pid, signal.SIGKILL)

    deadline = time.monotonic() + START_TIMEOUT_S
    while not _client(url).is_connected():
        if server.poll() is not None or time.monotonic() > deadline:
            stop()
            raise ChainError(f"anvil ({executable}) does not start")
        time.sleep(0.1)
    return RunningChain(f"anvil at {url}", lambda: _client(url), stop)
