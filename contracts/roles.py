"""Who may call what is restricted: functions and roles of the AccessManager, and who holds them.

What is not named here stays with ADMIN: sealing, buffer shares, rate limits, what is named to a contract once, resuming
what was paused, minting the test currency.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from contracts import artifact
from contracts.address_book import bind
from contracts.state import Role

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from eth_typing import ChecksumAddress
    from web3 import Web3
    from web3.contract import Contract

FUNCTIONS: Final[Mapping[Role, Mapping[str, tuple[str, ...]]]] = {
    Role.SETTLER: {"MarkLedger": ("settle",)},
    Role.GUARDIAN: {
        "ProductionOracle": ("disable", "pausePublishing"),
        "MarkLedger": ("pauseSettling",),
        "CarbonCredit": ("pauseTransfers",),
        "RevenueShare": ("pauseTransfers",),
        "ShareOffice": ("pauseTransfers",),
    },
    Role.REGISTRAR: {"AssetRegistry": ("setProject", "setAsset", "setMeters")},
    Role.IDENTITY_ISSUER: {"IdentityRegistry": ("set", "remove")},
    Role.ENFORCER: {
        "ShareOffice": ("freeze", "unfreeze", "forceTransfer", "recover"),
        "RevenueShare": ("recover",),
    },
    Role.TRUSTEE: {"RevenueShare": ("writeDown",)},
    Role.BUFFER_KEEPER: {"CarbonCredit": ("cancelFromBuffer",)},
    Role.SHARE_ISSUER: {"ShareOffice": ("issue",)},
    Role.SIGNER_ADMIN: {"ProductionOracle": ("setSigners",)},
}
"""Role -> contract -> functions that it may call."""

CANCELLED_BY_GUARDIAN: Final = (
    Role.REGISTRAR,
    Role.IDENTITY_ISSUER,
    Role.ENFORCER,
    Role.TRUSTEE,
    Role.BUFFER_KEEPER,
    Role.SHARE_ISSUER,
    Role.SIGNER_ADMIN,
)
"""Roles whose scheduled calls a guardian may cancel while they wait."""


class Restricted(NamedTuple):
    """A function that only a role may call."""

    role: Role
    contract: str
    function: str
    selector: bytes


@dataclass(frozen=True)
class Grant:
    """A role for an account."""

    role: Role
    account: ChecksumAddress
    delay_s: int = 0
    """How long a call that needs the role is public before it can be carried out [s]; 0 acts at once."""


@dataclass(frozen=True)
class Holder:
    """A role that an account has, as the chain says it."""

    role: int
    account: ChecksumAddress
    delay_s: int
    since_s: int
    """From when on it counts [s UTC]."""

    @property
    def label(self) -> str:
        """Name of the role."""
        return Role(self.role).name if self.role in list(Role) else f"role {self.role}"


def selectors(contract: str, function: str) -> list[bytes]:
    """Selectors of a contract's function, of every signature that it has. Raises KeyError if there is none."""
    from eth_utils.abi import function_abi_to_4byte_selector  # noqa: PLC0415  # slow to import

    functions: list[Any] = [entry for entry in artifact(contract).abi if entry["type"] == "function"]
    found = [function_abi_to_4byte_selector(entry) for entry in functions if entry["name"] == function]
    if not found:
        raise KeyError(f"{contract} has no function {function}")
    return found


def restricted_functions(contracts: Iterable[str]) -> list[Restricted]:
    """Everything in FUNCTIONS, for the contracts that are named."""
    known = set(contracts)
    return [
        Restricted(role, contract, function, selector)
        for role, targets in FUNCTIONS.items()
        for contract, functions in targets.items()
        if contract in known
        for function in functions
        for selector in selectors(contract, function)
    ]


def ask_all(manager: Contract, questions: Sequence[tuple[str, Sequence[object]]]) -> list[tuple[Any, ...]]:
    """Ask many views of the AccessManager in one call: (name, arguments) -> what each returns, as a tuple."""
    codec = manager.w3.codec
    calls = [manager.encode_abi(name, list(arguments)) for name, arguments in questions]
    answers = manager.functions.multicall(calls).call()
    outputs = {
        entry["name"]: [item["type"] for item in entry["outputs"]]
        for entry in artifact("AccessManager").abi
        if "outputs" in entry
    }
    return [codec.decode(outputs[name], answer) for (name, _), answer in zip(questions, answers, strict=True)]


def holders(web3: Web3, manager: ChecksumAddress, first_block: int) -> list[Holder]:
    """Everybody who has a role, by role and account: found in the events, read from the contract's present state."""
    contract = bind(web3, "AccessManager", manager)
    granted = contract.events.RoleGranted().get_logs(from_block=first_block)
    known = sorted({(event["args"]["roleId"], event["args"]["account"]) for event in granted})
    access = ask_all(contract, [("getAccess", pair) for pair in known])
    return [
        Holder(role, account, delay_s, since_s)
        for (role, account), (since_s, delay_s, _, _) in zip(known, access, strict=True)
        if since_s != 0
    ]
