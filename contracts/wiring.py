"""What connects the contracts once they are there: names of roles, their functions, who has them, and the handover.

All of it are calls of the AccessManager, which takes many in one transaction, so that it is done whole or not at all.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from contracts import artifact
from contracts.address_book import bind
from contracts.roles import CANCELLED_BY_GUARDIAN, Holder, ask_all, holders, restricted_functions
from contracts.state import Role

if TYPE_CHECKING:
    from collections.abc import Callable

    from eth_typing import ChecksumAddress, HexStr
    from web3 import Web3
    from web3.contract import Contract

    from contracts.plan import Plan
    from contracts.roles import Grant

NOBODY = "0x" + "00" * 20


class NamedOnce(NamedTuple):
    """A contract that another one is told of, once and for good: it could not be a constructor's argument."""

    contract: str
    setter: str
    getter: str
    named: str


NAMED_ONCE = (
    NamedOnce("AssetRegistry", "setHome", "home", "MarkLedger"),
    NamedOnce("MarkLedger", "setCredit", "credit", "CarbonCredit"),
    NamedOnce("ShareOffice", "setRevenueShare", "revenueShare", "RevenueShare"),
)


@dataclass(frozen=True)
class Wiring:
    """What is not as planned."""

    calls: tuple[tuple[str, HexStr], ...]
    """(what it does, call data of the AccessManager)."""
    strangers: tuple[Holder, ...] = ()
    """Who else than the plan's engine may settle."""

    @property
    def parts(self) -> list[str]:
        """What the calls do."""
        return [part for part, _ in self.calls]


@dataclass(frozen=True)
class Handover:
    """The deployer's last transaction."""

    calls: tuple[tuple[str, HexStr], ...] = ()
    is_over: bool = False
    """The deployer is administrator no longer, or no longer at once: it can change nothing."""
    findings: tuple[str, ...] = ()
    """What is not as planned though it is over."""


def all_wiring(web3: Web3, plan: Plan) -> Wiring:
    """Everything, for contracts that are not there yet."""
    return Wiring(tuple(_calls(web3, plan, lambda _: True)))


def missing_wiring(web3: Web3, plan: Plan, first_block: int) -> Wiring:
    """Hold the plan against an AccessManager that is there."""
    manager = _manager(web3, plan)
    labels = {
        event["args"]["roleId"]: event["args"]["label"]
        for event in manager.events.RoleLabel().get_logs(from_block=first_block)
    }
    functions = restricted_functions(plan.addresses)
    grants = _grants(plan)
    answers = iter(
        ask_all(
            manager,
            [
                *(("getTargetFunctionRole", (plan.addresses[one.contract], one.selector)) for one in functions),
                *(("getRoleGuardian", (role,)) for role in CANCELLED_BY_GUARDIAN),
                *(("getAccess", (grant.role, grant.account)) for grant in grants),
            ],
        )
    )
    right: set[object] = {role for role, label in labels.items() if label in Role.__members__ and Role[label] == role}
    right |= {one for one in functions if next(answers) == (one.role,)}
    right |= {("guardian", role) for role in CANCELLED_BY_GUARDIAN if next(answers) == (Role.GUARDIAN,)}
    right |= {grant for grant in grants if _is_granted(next(answers), grant.delay_s)}
    right |= {name for name in NAMED_ONCE if _is_named(web3, plan, name)}
    engine = plan.addresses["SettlementEngine"]
    found = holders(web3, manager.address, first_block)
    strangers = tuple(one for one in found if one.role == Role.SETTLER and one.account != engine)
    return Wiring(tuple(_calls(web3, plan, lambda part: part not in right)), strangers)


def _calls(web3: Web3, plan: Plan, missing: Callable[[object], bool]) -> list[tuple[str, HexStr]]:
    """The calls for whatever is missing, in order."""
    manager = _manager(web3, plan)
    every: list[tuple[object, str, HexStr]] = [
        *(
            (role, f"name role {role:d} {role.name}", manager.encode_abi("labelRole", [role, role.name]))
            for role in Role
            if role is not Role.ADMIN
        ),
        *(
            (
                one,
                f"let {one.role.name} call {one.contract}.{one.function}",
                manager.encode_abi("setTargetFunctionRole", [plan.addresses[one.contract], [one.selector], one.role]),
            )
            for one in restricted_functions(plan.addresses)
        ),
        *(
            (
                ("guardian", role),
                f"let GUARDIAN cancel for {role.name}",
                manager.encode_abi("setRoleGuardian", [role, Role.GUARDIAN]),
            )
            for role in CANCELLED_BY_GUARDIAN
        ),
        *((name, f"name {name.named} to {name.contract}", _name(web3, manager, plan, name)) for name in NAMED_ONCE),
        *((grant, _says(grant), _grant(manager, grant)) for grant in _grants(plan)),
    ]
    return [(text, call) for part, text, call in every if missing(part)]


def handover(web3: Web3, plan: Plan, *, is_there: bool) -> Handover:
    """Make the administrators of the plan the only ones, the deployer among them or not."""
    manager = _manager(web3, plan)
    others = [grant for grant in plan.administrators if grant.account != plan.deployer]
    own = next((grant for grant in plan.administrators if grant.account == plan.deployer), None)
    access = [(0, 0, 0, 0)] * len(others)
    if is_there:
        (since_s, delay_s, _, _), *access = ask_all(
            manager,
            [("getAccess", (Role.ADMIN, account)) for account in (plan.deployer, *(one.account for one in others))],
        )
        if since_s == 0 or delay_s != 0:
            lacking = [
                _says(grant)
                for grant, found in zip(others, access, strict=True)
                if not _is_granted(found, grant.delay_s)
            ]
            if (since_s != 0) != (own is not None) or (own is not None and own.delay_s != delay_s):
                lacking.append(
                    f"{plan.deployer} is {'' if since_s else 'not '}administrator, with a delay of {delay_s} s"
                )
            return Handover(is_over=True, findings=tuple(f"not as planned: {one}" for one in lacking))
    calls = [
        (_says(grant), _grant(manager, grant))
        for grant, found in zip(others, access, strict=True)
        if not _is_granted(found, grant.delay_s)
    ]
    if own is None:
        calls.append(
            (f"{plan.deployer} gives ADMIN up", manager.encode_abi("renounceRole", [Role.ADMIN, plan.deployer]))
        )
    elif own.delay_s:
        calls.append((_says(own), _grant(manager, own)))
    return Handover(tuple(calls))


def _grants(plan: Plan) -> list[Grant]:
    """Every grant but the administrators'; the engine's is not a matter of choice."""
    from contracts.roles import Grant  # noqa: PLC0415

    return [
        Grant(Role.SETTLER, plan.addresses["SettlementEngine"]),
        *(one for one in plan.grants if one.role is not Role.ADMIN),
    ]


def _is_granted(access: tuple[int, ...], delay_s: int) -> bool:
    """Whether an account has a role with this delay, or will have when a change that was made takes effect."""
    since_s, delay, pending, effect = access
    return since_s != 0 and (pending if effect else delay) == delay_s


def _is_named(web3: Web3, plan: Plan, name: NamedOnce) -> bool:
    address = plan.addresses[name.contract]
    if not web3.eth.get_code(address):
        return False
    known: ChecksumAddress = bind(web3, name.contract, address).functions[name.getter]().call()
    return known == plan.addresses[name.named]


def _name(web3: Web3, manager: Contract, plan: Plan, name: NamedOnce) -> HexStr:
    address = plan.addresses[name.contract]
    inner = bind(web3, name.contract, address).encode_abi(name.setter, [plan.addresses[name.named]])
    call: HexStr = manager.encode_abi("execute", [address, inner])
    return call


def _says(grant: Grant) -> str:
    delayed = f", with a delay of {grant.delay_s} s" if grant.delay_s else ""
    return f"give {grant.role.name} to {grant.account}{delayed}"


def _grant(manager: Contract, grant: Grant) -> HexStr:
    call: HexStr = manager.encode_abi("grantRole", [grant.role, grant.account, grant.delay_s])
    return call


def _manager(web3: Web3, plan: Plan) -> Contract:
    return web3.eth.contract(address=plan.addresses["AccessManager"], abi=artifact("AccessManager").abi)
