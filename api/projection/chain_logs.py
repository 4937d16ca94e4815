"""Event logs of a deployment's contracts, block range by block range, decoded."""

import logging
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any, Literal, TypeVar

from contracts.address_book import AddressBook, connect
from oracle.errors import ChainError
from oracle.transmitter.web3_chain import asking

if TYPE_CHECKING:
    from web3 import Web3
    from web3.contract import Contract

log = logging.getLogger(__name__)

FOLLOWED = {
    "AssetRegistry": ("ProjectSet", "AssetSet", "MetersSet"),
    "ProductionOracle": ("Published", "Disabled", "SignersSet"),
    "MarkLedger": ("Settled", "Reversed", "BatchSettled", "VintageSealed"),
    "CarbonCredit": ("Issued", "Retired", "Drawn", "BufferCancelled", "TransferSingle", "TransferBatch"),
    "RetirementCertificate": ("Locked",),
    "RevenueShare": ("Deposited", "ExcessCarried", "WrittenDown", "Claimed"),
    "FeedFactory": ("FeedCreated",),
}
"""Events that are read, by contract."""

Answer = TypeVar("Answer")


@dataclass(frozen=True)
class ChainLog:
    """One event, in its place on the chain."""

    contract: str
    event: str
    args: Any
    """By name, as web3 decodes them."""
    block: int
    at_s: int
    """Time of its block [s UTC]."""
    tx: str
    """Hash of its transaction, 0x."""


class ChainReader:
    """Contracts of one address book, read by one client."""

    def __init__(self, web3: "Web3", book: AddressBook, finality: Literal["finalized", "latest"]) -> None:
        """Bind the contracts.

        Raises:
            ChainError: the chain does not answer, or is another than the book's.

        """
        chain_id = asking("chain id", lambda: web3.eth.chain_id)
        if chain_id != book.chain_id:
            raise ChainError(f"the node is on chain {chain_id}, the address book is for chain {book.chain_id}")
        self.web3 = web3
        self.book = book
        self._finality = finality
        self.contracts: dict[str, Contract] = {name: connect(web3, book, name) for name in FOLLOWED}
        self._kinds: dict[tuple[str, str], tuple[str, str, Any]] = {
            (contract.address, contract.events[event]().topic): (name, event, contract.events[event]())
            for name, contract in self.contracts.items()
            for event in FOLLOWED[name]
        }

    def final_block(self) -> tuple[int, str, int]:
        """(number, hash, time [s UTC]) of the newest block that counts as final."""
        return self._block(self._finality)

    def block(self, number: int) -> tuple[int, str, int] | None:
        """(number, hash, time [s UTC]) of a block; None where the node has none of that number."""
        from web3.exceptions import BlockNotFound  # noqa: PLC0415  slow to import, and only needed here

        def look() -> tuple[int, str, int] | None:
            try:
                return self._block(number)
            except BlockNotFound:
                return None

        return asking(f"block {number}", look)

    def logs(self, first: int, last: int) -> list[ChainLog]:
        """Read the followed events of blocks first to last, in their order. What cannot be decoded is passed over."""
        addresses = [contract.address for contract in self.contracts.values()]
        query: Any = {"address": addresses, "fromBlock": first, "toBlock": last}
        found = asking(f"events of blocks {first} to {last}", lambda: self.web3.eth.get_logs(query))
        times: dict[int, int] = {}
        read = []
        for raw in sorted(found, key=lambda one: (one["blockNumber"], one["logIndex"])):
            kind = self._kinds.get((raw["address"], raw["topics"][0].to_0x_hex())) if raw["topics"] else None
            if kind is None:
                continue
            name, event, decoder = kind
            try:
                args = _settled(raw) if event == "Settled" else decoder.process_log(raw)["args"]
            except Exception as error:  # noqa: BLE001  web3 raises what it likes, and one event must not stop all others
                log.warning("%s %s in block %d cannot be read: %s", name, event, raw["blockNumber"], error)
                continue
            number = raw["blockNumber"]
            if number not in times:
                times[number] = asking(f"block {number}", partial(self._block, number))[2]
            read.append(ChainLog(name, event, args, number, times[number], raw["transactionHash"].to_0x_hex()))
        return read

    def call(self, contract: str, function: str, *arguments: object) -> Any:  # noqa: ANN401  web3's answers are untyped
        """Ask a contract. Raises ChainError."""
        return asking(f"{contract}.{function}", lambda: self.contracts[contract].functions[function](*arguments).call())

    def signatures_of(self, tx: str) -> bytes | None:
        """Signatures of the report that a transaction published; None where it went through another contract."""
        transaction = asking("transaction", lambda: self.web3.eth.get_transaction(tx))  # type: ignore[arg-type]  # a 0x text will do
        try:
            function, arguments = self.contracts["ProductionOracle"].decode_function_input(transaction["input"])
        except ValueError:
            return None
        return bytes(arguments["signatures"]) if function.fn_name == "publish" else None

    def _block(self, which: Any) -> tuple[int, str, int]:  # noqa: ANN401  a number or a word
        found = self.web3.eth.get_block(which)
        return int(found["number"]), found["hash"].to_0x_hex(), int(found["timestamp"])


def _settled(raw: Any) -> dict[str, int]:  # noqa: ANN401  web3's logs are untyped
    """Read an event `Settled`: there are many, and web3 takes a millisecond for each."""
    return {"assetVintage": int.from_bytes(raw["topics"][1]), "mark": int.from_bytes(raw["data"])}
