"""From a call of a contract to what a wallet is shown: tried beforehand, estimated, said in words."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from api.transactions.prepared import PermitView, PreparedView, Says, StepsView
from api.transactions.reader import ChainReader


@dataclass(frozen=True)
class Wanted:
    """One call to prepare."""

    contract: str
    function: str
    arguments: Sequence[Any]
    key: str
    """Its words; see `Says`."""
    values: dict[str, str | int | None] = field(default_factory=dict)
    address: str | None = None
    """Where the contract is; None: where the address book says."""
    permit: PermitView | None = None


def prepare(chain: ChainReader, wanted: Iterable[Wanted], sender: str | None) -> StepsView:
    """Prepare calls that are sent in this order. The first is tried as the sender would make it; without a sender none is.

    Those after it cannot be: the chain is not yet as they will find it.

    Raises:
        ProblemError: a contract would refuse the first.
        ChainError: the chain does not answer.

    """
    steps: list[PreparedView] = []
    for want in wanted:
        bound = chain.contract(want.contract, want.address)
        calldata = bound.encode_abi(want.function, list(want.arguments))
        gas = chain.try_call(sender, bound.address, calldata) if sender is not None and not steps else None
        steps.append(
            PreparedView(
                chain_id=chain.book.chain_id,
                to=bound.address,
                data=calldata,
                from_=None if sender is None else chain.checksummed(sender),
                gas_estimate=gas,
                function=f"{want.contract}.{want.function}",
                says=Says(key=want.key, values=want.values),
                permit=want.permit,
            )
        )
    return StepsView(steps=steps)
