"""An anvil of our own, as far as a measurement needs it: contracts put there, transactions sent, gas read back."""

import time
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any, Final, cast

from eth_typing import ChecksumAddress
from web3 import Web3
from web3.contract import Contract
from web3.types import RPCEndpoint

from api.bench.chain.fleet import CHAIN_START_S
from contracts import Artifact
from contracts.transaction import decode_revert

if TYPE_CHECKING:
    from web3.providers import JSONBaseProvider

HARDFORK: Final = "prague"
OPTIONS: Final = ("--hardfork", HARDFORK, "--timestamp", str(CHAIN_START_S))
"""How anvil is started: the rules that gas is counted by, and a date that does not depend on the day."""
GAS_OF_MANY: Final = 200_000
"""What each of many transactions in a block may ask for."""
RECEIPT_S: Final = 20.0
GAS: Final = 2**24
"""The most that one transaction may ask for (EIP-7825)."""


class MeasureError(Exception):
    """A transaction of the measurement was refused, or did something else than it should have."""


class Anvil:
    """A chain with unlocked accounts, on which a transaction is in a block at once."""

    def __init__(self, web3: Web3) -> None:
        self._web3 = web3
        self.accounts: Sequence[ChecksumAddress] = web3.eth.accounts
        self.chain_id: int = web3.eth.chain_id

    @property
    def client(self) -> str:
        """Name and version of the node."""
        return self._web3.client_version

    def put(self, built: Artifact, *arguments: object) -> Contract:
        """Deploy a contract by the first account, and bind it."""
        constructor = self._web3.eth.contract(abi=built.abi, bytecode=built.bytecode).constructor(*arguments)
        receipt = self._send(f"deploy {built.name}", {"data": constructor.data_in_transaction}, self.accounts[0])
        return self.bind(built, receipt["contractAddress"])

    def bind(self, built: Artifact, address: str) -> Contract:
        """Bind a contract that is there."""
        return self._web3.eth.contract(address=Web3.to_checksum_address(address), abi=built.abi)

    def transact(
        self, contract: Contract, function: str, arguments: Sequence[object], sender: ChecksumAddress | None = None
    ) -> dict[str, Any]:
        """Call a contract's function in a transaction of its own; return the receipt.

        Raises:
            MeasureError: it was reverted.

        """
        transaction = {"to": contract.address, "data": contract.encode_abi(function, list(arguments))}
        return self._send(function, transaction, sender or self.accounts[0])

    def send(self, contract: Contract, what: str, calldata: bytes) -> dict[str, Any]:
        """Send calldata by the first account; return the receipt.

        Raises:
            MeasureError: it was reverted.

        """
        return self._send(what, {"to": contract.address, "data": "0x" + calldata.hex()}, self.accounts[0])

    def send_block(self, transactions: Sequence[dict[str, str]], time_s: int) -> list[int]:
        """Send transactions by the first account and mine them as one block at an instant; return each one's gas.

        Raises:
            MeasureError: one was reverted, or did not fit.

        """
        sender = self.accounts[0]
        nonce = int(self._ask("eth_getTransactionCount", sender, "latest"), 16)
        more = {"from": sender, "gas": hex(GAS_OF_MANY)}
        questions = [[one | more | {"nonce": hex(nonce + i)}] for i, one in enumerate(transactions)]
        self._ask("evm_setAutomine", False)  # noqa: FBT003  JSON-RPC has no names
        hashes = self._ask_all("eth_sendTransaction", questions)
        self.at(time_s)
        self._ask("evm_mine")
        self._ask("evm_setAutomine", True)  # noqa: FBT003
        receipts = {one["transactionHash"]: one for one in self._ask("eth_getBlockReceipts", "latest")}
        if missing := [one for one in hashes if one not in receipts]:
            raise MeasureError(f"{len(missing)} of {len(hashes)} transactions are not in the block")
        if any(int(receipts[one]["status"], 16) != 1 for one in hashes):
            raise MeasureError("a transaction of the block was reverted")
        return [int(receipts[one]["gasUsed"], 16) for one in hashes]

    def read(self, contract: Contract, getter: str, questions: Iterable[Sequence[object]]) -> list[tuple[int, ...]]:
        """Ask a getter many times; return the words of each answer as numbers."""
        calls = [
            [{"to": contract.address, "data": contract.encode_abi(getter, list(arguments))}, "latest"]
            for arguments in questions
        ]
        answers = (bytes.fromhex(answer[2:]) for answer in self._ask_all("eth_call", calls))
        return [
            tuple(int.from_bytes(answer[at : at + 32], "big") for at in range(0, len(answer), 32)) for answer in answers
        ]

    def at(self, time_s: int) -> None:
        """The next block is made at this instant [s UTC]."""
        self._ask("evm_setNextBlockTimestamp", hex(time_s))

    def slots_of(self, contract: Contract, getter: str, questions: Iterable[Sequence[object]]) -> set[int]:
        """Storage slots of a contract that one of its functions reads, asked so many times."""
        calls = [
            [
                {"from": self.accounts[0], "to": contract.address, "data": contract.encode_abi(getter, list(one))},
                "latest",
            ]
            for one in questions
        ]
        return {
            int(slot, 16)
            for answer in self._ask_all("eth_createAccessList", calls)
            for place in answer["accessList"]
            if place["address"].lower() == contract.address.lower()
            for slot in place["storageKeys"]
        }

    def trace(self, transaction_hash: str, tracer: str) -> dict[str, Any]:
        """Run a transaction again under a tracer in JavaScript; return what that makes of it."""
        answer: dict[str, Any] = self._ask("debug_traceTransaction", transaction_hash, {"tracer": tracer})
        return answer

    def input_of(self, transaction_hash: str) -> bytes:
        """Calldata of a transaction."""
        return bytes.fromhex(self._ask("eth_getTransactionByHash", transaction_hash)["input"][2:])

    def _send(self, what: str, transaction: dict[str, Any], sender: ChecksumAddress) -> dict[str, Any]:
        sent = self._ask("eth_sendTransaction", transaction | {"from": sender, "gas": hex(GAS)})
        deadline = time.monotonic() + RECEIPT_S
        while (receipt := self._ask("eth_getTransactionReceipt", sent)) is None:
            if time.monotonic() > deadline:
                raise MeasureError(f"{what}: not in a block after {RECEIPT_S} s")
            time.sleep(0.001)
        if int(receipt["status"], 16) != 1:
            raise MeasureError(f"{what}: {self._why(transaction, sender)}")
        mined: dict[str, Any] = receipt
        return mined

    def _why(self, transaction: dict[str, Any], sender: ChecksumAddress) -> str:
        question = transaction | {"from": sender, "gas": hex(GAS)}
        answer = self._web3.provider.make_request(RPCEndpoint("eth_call"), [question, "latest"])
        revert = answer.get("error", {}).get("data")
        return decode_revert(bytes.fromhex(revert[2:])) if isinstance(revert, str) else "reverted"

    def _ask_all(self, method: str, questions: Sequence[Sequence[object]]) -> list[Any]:
        """Ask the same of many, in one request; answers in the order of the questions."""
        answers = cast("JSONBaseProvider", self._web3.provider).make_batch_request(
            [(RPCEndpoint(method), one) for one in questions]
        )
        if not isinstance(answers, list):
            raise MeasureError(f"{method}: {answers}")
        if failed := [answer["error"] for answer in answers if "error" in answer]:
            raise MeasureError(f"{method}: {failed[0]}")
        return [answer["result"] for answer in answers]

    def _ask(self, method: str, *parameters: object) -> Any:  # noqa: ANN401  JSON
        answer = self._web3.provider.make_request(RPCEndpoint(method), list(parameters))
        if "error" in answer:
            raise MeasureError(f"{method}: {answer['error']}")
        return answer["result"]


def gas_of(receipt: dict[str, Any]) -> int:
    """What a transaction was charged."""
    return int(receipt["gasUsed"], 16)
