"""Questions to the contracts of one address book, many at once, all at one block."""

import functools
import threading
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final, Literal, NamedTuple, cast

from eth_utils.abi import get_abi_output_types
from eth_utils.address import to_checksum_address

from api.http.problems import ProblemError
from api.transactions.refusals import refusal_of
from contracts import artifact
from contracts.address_book import AddressBook, bind
from contracts.transaction import revert_bytes
from oracle.errors import ChainError, OracleError
from oracle.reporting.registry import RegistrySnapshot
from oracle.transmitter.registry_log import RegistryLog
from oracle.transmitter.web3_chain import asking

if TYPE_CHECKING:
    from eth_typing import ChecksumAddress
    from web3 import Web3
    from web3.contract import Contract
    from web3.types import BlockData

QUESTIONS_AT_ONCE: Final = 100
"""Questions that one request to the node carries."""


class Block(NamedTuple):
    """A block to ask at."""

    number: int
    time_s: int
    hash: bytes

    @property
    def at(self) -> datetime:
        """Its time."""
        return datetime.fromtimestamp(self.time_s, UTC)


class Question(NamedTuple):
    """One view of a contract."""

    contract: str
    function: str
    arguments: tuple[Any, ...]
    address: str | None = None
    """Where it is; None: where the address book says."""


class ChainReader:
    """Reads the chain. It has no account: it can neither sign nor send. Safe to share between threads."""

    def __init__(
        self, connect: "Callable[[], Web3]", book: AddressBook, finality: Literal["finalized", "latest"]
    ) -> None:
        """Take a way to the chain; nothing is asked before the first question."""
        self.book = book
        self._connect = connect
        self._finality = finality
        self._lock = threading.Lock()
        self._connected: Web3 | None = None
        self._registry: RegistryLog | None = None

    @property
    def web3(self) -> "Web3":
        """The connection, made at the first question and held against the book.

        Raises:
            ChainError: the node does not answer, or is on another chain than the book's.

        """
        with self._lock:
            if self._connected is None:
                web3 = self._connect()
                chain_id = asking("chain id", lambda: web3.eth.chain_id)
                if chain_id != self.book.chain_id:
                    raise ChainError(
                        f"wrong chain: the node is on {chain_id}, the address book is for {self.book.chain_id}"
                    )
                self._connected = web3
                self._registry = RegistryLog(web3, self._bind(web3, "AssetRegistry", None), self.book.block)
            return self._connected

    def contract(self, name: str, address: str | None = None) -> "Contract":
        """Bind a contract: the book's, or one that is elsewhere."""
        return self._bind(self.web3, name, address)

    def _bind(self, web3: "Web3", name: str, address: str | None) -> "Contract":
        return bind(web3, name, to_checksum_address(address or self.book.addresses[name]))

    def newest(self) -> Block:
        """The newest block."""
        return self._block("latest")

    def final(self) -> Block:
        """The newest block that counts as final."""
        return self._block(self._finality)

    def _block(self, which: Literal["latest", "finalized"]) -> Block:
        found: BlockData = asking(f"{which} block", lambda: self.web3.eth.get_block(which))
        return Block(found["number"], found["timestamp"], bytes(found["hash"]))

    def registry(self) -> RegistrySnapshot:
        """The registry at the final block."""
        block = self.final().number
        assert self._registry is not None  # noqa: S101  made with the connection
        log = self._registry
        return asking("registry", lambda: log.at(block))

    def ask(self, block: Block, questions: Sequence[Question]) -> list[Any]:
        """Ask many views at a block; the answers come in the order of the questions, structs as tuples.

        Raises:
            ChainError: the chain does not answer, or one of them reverts.

        """
        answers: list[bytes] = []
        for first in range(0, len(questions), QUESTIONS_AT_ONCE):
            together = questions[first : first + QUESTIONS_AT_ONCE]
            answers += asking("views", functools.partial(self._raw, block, together))
        codec = self.web3.codec
        decoded = []
        for question, answer in zip(questions, answers, strict=True):
            found = codec.decode(_outputs(question), answer)
            decoded.append(found[0] if len(found) == 1 else found)
        return decoded

    def _raw(self, block: Block, questions: Sequence[Question]) -> list[bytes]:
        from web3 import HTTPProvider  # noqa: PLC0415  # slow to import, and only needed with a chain

        calls = [self._call_of(question) for question in questions]
        provider = self.web3.provider
        if not isinstance(provider, HTTPProvider):
            return [bytes(self.web3.eth.call(cast("Any", call), block.number)) for call in calls]
        requests: Any = [("eth_call", [call, hex(block.number)]) for call in calls]
        responses = provider.make_batch_request(requests)
        if not isinstance(responses, list):
            raise ChainError(f"the node does not take many questions at once: {responses.get('error')}")
        by_id = sorted(responses, key=lambda response: cast("int", response["id"]))
        for response in by_id:
            if "error" in response:
                raise ChainError(f"a view fails: {response['error']}")
        return [bytes.fromhex(cast("str", response["result"])[2:]) for response in by_id]

    def _call_of(self, question: Question) -> dict[str, str]:
        bound = self.contract(question.contract, question.address)
        return {"to": bound.address, "data": bound.encode_abi(question.function, list(question.arguments))}

    def try_call(self, sender: str, to: str, calldata: str) -> int:
        """Try a call as an account would make it on the newest state; return the gas that it takes, about.

        Raises:
            ProblemError: a contract refuses it.
            ChainError: the chain does not answer.

        """
        request: Any = {"from": to_checksum_address(sender), "to": to_checksum_address(to), "data": calldata}
        try:
            self.web3.eth.call(request)
            return int(self.web3.eth.estimate_gas(request))
        except (OracleError, ProblemError):
            raise
        except OSError as error:  # its text may hold the URL, and that a key
            raise ChainError(f"the chain does not answer: {type(error).__name__}") from None
        except Exception as error:
            from web3.exceptions import ContractLogicError  # noqa: PLC0415  # slow to import

            revert = revert_bytes(error)
            if revert or isinstance(error, ContractLogicError):
                raise refusal_of(revert) from error
            raise ChainError(f"the chain does not try the call: {error}") from error

    def checksummed(self, address: str) -> "ChecksumAddress":
        """An account as the contracts' bindings want it."""
        return to_checksum_address(address)


def _outputs(question: Question) -> list[str]:
    """ABI types of what a view returns."""
    for entry in artifact(question.contract).abi:
        if entry["type"] == "function" and entry["name"] == question.function:
            return get_abi_output_types(cast("Any", entry))
    raise KeyError(f"{question.contract} has no function {question.function}")
