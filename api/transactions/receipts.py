"""What became of a transaction, in words."""

import contextlib
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final, Literal, cast

from eth_utils.address import to_checksum_address

from api.http.problems import ProblemError
from api.transactions.owner_calls import certify
from api.transactions.prepared import PreparedView, Says
from api.transactions.preparing import prepare
from api.transactions.reader import ChainReader
from api.transactions.refusals import LARGEST_EXACT, in_words
from api.transactions.views import EffectView, TransactionView
from contracts.address_book import MADE_BY_OTHERS
from contracts.state import from_bytes32
from contracts.transaction import revert_bytes
from oracle.transmitter.web3_chain import asking

if TYPE_CHECKING:
    from hexbytes import HexBytes
    from web3.types import TxData, TxReceipt

WORDS: Final = {
    "unknown": "the chain does not know this transaction: it was not sent, was replaced, or has not reached this node yet; look "
    "again in a minute",
    "waiting": "the transaction waits for its place in a block: nothing needs to be done",
    "done": "the transaction is in a block and has done what it says",
}
State = Literal["unknown", "waiting", "done", "refused"]


def read_transaction(chain: ChainReader, transaction_hash: str) -> TransactionView:
    """Read what became of a transaction. Raises ChainError while the chain is away."""
    sent = _transaction(chain, transaction_hash)
    receipt = _receipt(chain, transaction_hash) if sent is not None else None
    if sent is None or receipt is None:
        return _without_block(transaction_hash, "unknown" if sent is None else "waiting")
    block = asking("block", lambda: chain.web3.eth.get_block(receipt["blockNumber"]))
    final = receipt["blockNumber"] <= chain.final().number
    done = receipt["status"] == 1
    reason, why = (None, WORDS["done"]) if done else _why(chain, sent)
    effects = _effects(chain, receipt) if done else []
    return TransactionView(
        hash=transaction_hash,
        state="done" if done else "refused",
        says=Says(key="tx_done" if done else "tx_refused", values={} if done else {"reason": reason}),
        detail=why,
        reason=reason,
        block=receipt["blockNumber"],
        at=datetime.fromtimestamp(block["timestamp"], UTC),
        final=final,
        gas_used=receipt["gasUsed"],
        effects=effects,
        then=_then(chain, effects),
    )


def _transaction(chain: ChainReader, transaction_hash: str) -> "TxData | None":
    from web3.exceptions import TransactionNotFound  # noqa: PLC0415  # slow to import

    def ask() -> "TxData | None":
        try:
            return chain.web3.eth.get_transaction(cast("HexBytes", transaction_hash))
        except TransactionNotFound:
            return None

    return asking("transaction", ask)


def _receipt(chain: ChainReader, transaction_hash: str) -> "TxReceipt | None":
    from web3.exceptions import TransactionNotFound  # noqa: PLC0415  # slow to import

    def ask() -> "TxReceipt | None":
        try:
            receipt = chain.web3.eth.get_transaction_receipt(cast("HexBytes", transaction_hash))
        except TransactionNotFound:
            return None
        return receipt if receipt.get("blockNumber") is not None else None

    return asking("receipt", ask)


def _without_block(transaction_hash: str, state: State) -> TransactionView:
    return TransactionView(
        hash=transaction_hash,
        state=state,
        says=Says(key=f"tx_{state}"),
        detail=WORDS[state],
        reason=None,
        block=None,
        at=None,
        final=False,
        gas_used=None,
        effects=[],
        then=[],
    )


def _why(chain: ChainReader, sent: "TxData") -> tuple[str | None, str]:
    """Ask again, as a call on the state before its block, why a transaction was refused."""
    request: Any = {"from": sent["from"], "to": sent.get("to"), "data": sent["input"], "gas": sent["gas"]}
    told = "the transaction is in a block, and was refused: nothing has changed but the fee"
    try:
        chain.web3.eth.call(request, max(0, sent["blockNumber"] - 1))
    except OSError:
        return None, f"{told}. Why cannot be asked: the chain does not answer"
    except Exception as error:  # noqa: BLE001  # the answer is the error, of whatever type the client makes it
        if revert := revert_bytes(error):
            reason, why = in_words(revert)
            return reason, f"{told}. {why[0].upper()}{why[1:]}"
    return None, f"{told}. It ran out of gas, or what stood against it has changed since: prepare it anew"


def _effects(chain: ChainReader, receipt: "TxReceipt") -> list[EffectView]:
    """Events of our contracts, in order, with their values as JSON can hold them."""
    names = {address: name for name, address in chain.book.addresses.items() if name not in MADE_BY_OTHERS}
    effects = []
    for entry in receipt["logs"]:
        name = names.get(to_checksum_address(entry["address"]))
        if name is None:
            continue
        bound = chain.contract(name)
        for event in cast("Any", bound.events):
            if entry["topics"] and event().topic == entry["topics"][0].to_0x_hex():
                told = event().process_log(entry)
                values = {key: _shown(given) for key, given in told["args"].items()}
                effects.append(EffectView(contract=name, event=told["event"], values=values))
    return effects


def _then(chain: ChainReader, effects: list[EffectView]) -> list[PreparedView]:
    """What usually follows: the certificate of a retirement, where nobody has made it yet."""
    steps: list[PreparedView] = []
    for effect in effects:
        if (effect.contract, effect.event) == ("CarbonCredit", "Retired"):
            with contextlib.suppress(ProblemError):  # it is certified already
                made = prepare(chain, [certify(int(effect.values["retirementId"]))], effect.values["holder"])
                steps += made.steps
    return steps


def _shown(given: Any) -> Any:  # noqa: ANN401  # values of events are what Solidity has
    if isinstance(given, bytes):
        try:
            return from_bytes32(given)
        except ValueError:
            return f"0x{given.hex()}"
    if isinstance(given, bool) or given is None or isinstance(given, str):
        return given
    if isinstance(given, int):
        return given if abs(given) < LARGEST_EXACT else str(given)
    if hasattr(given, "items"):
        return {key: _shown(inner) for key, inner in given.items()}
    return [_shown(inner) for inner in given]
