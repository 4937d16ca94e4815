"""What the gas of a transaction was spent on, as its trace tells it."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from importlib import resources

from web3.contract import Contract

from api.bench.chain.anvil import Anvil

BASE_GAS = 21_000
CALLDATA_GAS = {True: 4, False: 16}
"""A byte of calldata, by whether it is zero (EIP-2028). The floor of EIP-7623 is below what our transactions take."""
ECRECOVER = 1
ADDRESS_BITS = 160


@dataclass(frozen=True)
class Feature:
    """A part of what a transaction was charged."""

    name: str
    gas: int


@dataclass
class Names:
    """What contracts and their storage slots are called in a table."""

    contracts: dict[int, str] = field(default_factory=dict)
    """By address."""
    slots: dict[tuple[int, int], str] = field(default_factory=dict)
    """By address and slot."""

    def add_contract(self, name: str, contract: Contract) -> None:
        """Call a contract by a name."""
        self.contracts[int(contract.address, 16)] = name

    def add_slots(
        self, anvil: Anvil, name: str, contract: Contract, getter: str, questions: Iterable[Sequence[object]] = ((),)
    ) -> None:
        """Call the slots that a getter reads by a name, but for those that have one already."""
        for slot in anvil.slots_of(contract, getter, questions):
            self.slots.setdefault((int(contract.address, 16), slot), name)


def features(anvil: Anvil, transaction_hash: str, names: Names) -> list[Feature]:
    """Trace a transaction: parts that add up to what it was charged, the largest first."""
    traced = anvil.trace(transaction_hash, _tracer())
    calldata = anvil.input_of(transaction_hash)
    parts = Counter({"transaction": BASE_GAS, "calldata": sum(CALLDATA_GAS[byte == 0] for byte in calldata)})
    for key, gas in traced["spent"].items():
        parts[_name(key, names)] += gas
    if refund := traced["used"] - parts.total():
        parts["refund"] = refund
    return [Feature(name, gas) for name, gas in parts.most_common()]


def _name(key: str, names: Names) -> str:
    kind, address, *more = key.split("|")
    place = int(address, 16)
    contract = names.contracts.get(place, "other accounts")
    match kind:
        case "read" | "write":
            return f"storage: {names.slots.get((place, int(more[0], 16)), f'other of {contract}')}"
        case "call" if ECRECOVER in (place, int(more[0], 16) % 2**ADDRESS_BITS if more else 0):
            return "signatures: ecrecover"
        case "call":
            return _call(names.contracts.get(int(more[0], 16) % 2**ADDRESS_BITS) if more else None)
        case "hash":
            return "hashing"
        case "event":
            return "events"
        case _:
            return f"code: {contract}"


def _call(callee: str | None) -> str:
    return f"call: {callee}" if callee else "reading an account's code"


@cache
def _tracer() -> str:
    """The tracer as anvil takes it: one expression, without the comment before it."""
    text = (resources.files(__package__) / "tracer.js").read_text(encoding="utf-8")
    return text[text.index("\n{") + 1 :]


def per_unit(found: Sequence[Feature], units: int) -> Mapping[str, float]:
    """Features of one of so many alike."""
    return {one.name: one.gas / units for one in found}
