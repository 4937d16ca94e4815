"""Write down who may sign, who is paid, who may hold shares, and what limits apply."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from contracts.address_book import connect
from contracts.state import to_bytes32
from contracts.transaction import ChainRefusalError, send

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from eth_account.signers.local import LocalAccount
    from eth_typing import ChecksumAddress
    from web3 import Web3

    from contracts.address_book import AddressBook
    from contracts.state import Asset, Identity, ListedMeter, Project, ShareIssue

GAS_A_BATCH: Final = 12_000_000
"""Calls are sent together while they take no more than this, about."""
GAS_OF_A_CALL: Final = 250_000
GAS_OF_A_METER: Final = 65_000
GAS_OF_A_SHARE: Final = 3_500_000
"""Issuing one is a deployment."""


@dataclass(frozen=True)
class Entry:
    """One restricted call."""

    step: str
    """What it does, in errors."""
    target: str
    """Contract of the address book."""
    function: str
    arguments: tuple[Any, ...]
    gas: int = GAS_OF_A_CALL
    """What it takes, about."""


def register(  # noqa: PLR0913, PLR0917  # the three kinds of things on a registry, and their roots
    web3: Web3,
    account: ChecksumAddress | LocalAccount,
    book: AddressBook,
    projects: Iterable[Project],
    assets: Iterable[Asset],
    meters: Iterable[ListedMeter],
    meter_roots: Mapping[str, bytes],
    on_step: Callable[[str], None] = lambda _: None,
) -> None:
    """Write projects, their assets and their meter lists to the registry, in that order.

    `meters` is the whole new list of every project it touches, in any order; `meter_roots` has the Merkle root of each
    of those lists by project. `account` must be REGISTRAR. Raises ChainRefusalError naming the step, ValueError when a
    meter's asset is not among `assets` or a root is missing.
    """
    send_entries(web3, account, book, registry_entries(projects, assets, meters, meter_roots), on_step)


def registry_entries(
    projects: Iterable[Project],
    assets: Iterable[Asset],
    meters: Iterable[ListedMeter],
    meter_roots: Mapping[str, bytes],
) -> list[Entry]:
    """Calls that write projects, assets and meter lists. Raises ValueError as `register` does."""
    assets = list(assets)
    lists = _lists(assets, meters, meter_roots)
    target = "AssetRegistry"
    return [
        *(
            Entry(
                f"register project {one.project_id}", target, "setProject", (to_bytes32(one.project_id), one.to_abi())
            )
            for one in projects
        ),
        *(
            Entry(f"register asset {one.asset_id}", target, "setAsset", (to_bytes32(one.asset_id), one.to_abi()))
            for one in assets
        ),
        *(
            Entry(
                f"list the meters of {project_id}",
                target,
                "setMeters",
                (to_bytes32(project_id), root, listed),
                GAS_OF_A_CALL + GAS_OF_A_METER * len(listed),
            )
            for project_id, (root, listed) in lists.items()
        ),
    ]


def identity_entries(identities: Iterable[Identity]) -> list[Entry]:
    """Calls that verify accounts. For an IDENTITY_ISSUER."""
    return [
        Entry(
            f"verify {one.account}",
            "IdentityRegistry",
            "set",
            (one.account, one.country, int(one.investor_class), one.expiry_s),
        )
        for one in identities
    ]


def share_entries(shares: Iterable[ShareIssue]) -> list[Entry]:
    """Calls that issue the shares of assets. For a SHARE_ISSUER; assets and first holders must be known already."""
    return [
        Entry(
            f"issue the share of {one.asset_id}",
            "ShareOffice",
            "issue",
            (to_bytes32(one.asset_id), one.name, one.symbol, one.supply, one.holder, int(one.minimum_class)),
            GAS_OF_A_SHARE,
        )
        for one in shares
    ]


def limit_entries(rate_limits: Mapping[str, tuple[int, int]], buffer_bps: Mapping[str, int]) -> list[Entry]:
    """Calls that limit what a project settles, and set what it puts aside. For an administrator.

    `rate_limits`: project -> (Wh a day, Wh at once). `buffer_bps`: project -> share of its mints that goes to the buffer
    [1/10 000].
    """
    return [
        *(
            Entry(f"limit the rate of {name}", "MarkLedger", "setRateLimit", (to_bytes32(name), *limit))
            for name, limit in rate_limits.items()
        ),
        *(
            Entry(f"set the buffer share of {name}", "CarbonCredit", "setBufferShare", (to_bytes32(name), bps))
            for name, bps in buffer_bps.items()
        ),
    ]


def send_entries(
    web3: Web3,
    account: ChecksumAddress | LocalAccount,
    book: AddressBook,
    entries: Sequence[Entry],
    on_step: Callable[[str], None] = lambda _: None,
) -> None:
    """Send calls in order, many in one transaction: the AccessManager makes them for whoever has the role.

    A batch that is refused is sent again call by call, so that what was in order is done and the error names the call.
    Raises ChainRefusalError.
    """
    for batch in _batches(entries):
        on_step(batch[0].step if len(batch) == 1 else f"{batch[0].step} and {len(batch) - 1} more")
        if len(batch) > 1:
            try:
                _send_together(web3, account, book, batch)
            except ChainRefusalError:
                pass  # the culprit is found below
            else:
                continue
        for entry in batch:
            call = connect(web3, book, entry.target).functions[entry.function](*entry.arguments)
            send(web3, account, call, entry.step)


def _send_together(
    web3: Web3, account: ChecksumAddress | LocalAccount, book: AddressBook, batch: Sequence[Entry]
) -> None:
    manager = connect(web3, book, "AccessManager")
    calls = [
        manager.encode_abi(
            "execute",
            [
                book.addresses[entry.target],
                connect(web3, book, entry.target).encode_abi(entry.function, list(entry.arguments)),
            ],
        )
        for entry in batch
    ]
    send(web3, account, manager.functions.multicall(calls), f"{batch[0].step} and {len(batch) - 1} more")


def _batches(entries: Sequence[Entry]) -> list[list[Entry]]:
    batches: list[list[Entry]] = []
    gas = GAS_A_BATCH
    for entry in entries:
        if gas + entry.gas > GAS_A_BATCH:
            batches.append([])
            gas = 0
        batches[-1].append(entry)
        gas += entry.gas
    return batches


def _lists(
    assets: list[Asset], meters: Iterable[ListedMeter], meter_roots: Mapping[str, bytes]
) -> dict[str, tuple[bytes, list[tuple[Any, ...]]]]:
    """Project -> (root, meters as the registry takes them: ascending by thumbprint)."""
    project_of = {asset.asset_id: asset.project_id for asset in assets}
    lists: dict[str, tuple[bytes, list[tuple[Any, ...]]]] = {}
    for meter in sorted(meters, key=lambda listed: listed.thumbprint):
        project_id = project_of.get(meter.asset_id)
        if project_id is None:
            raise ValueError(f"meter {meter.meter_id} belongs to asset {meter.asset_id}, which is not being registered")
        if project_id not in meter_roots:
            raise ValueError(f"the Merkle root of the meter list of {project_id} is missing")
        lists.setdefault(project_id, (meter_roots[project_id], []))[1].append(meter.to_abi())
    return lists


__all__ = [
    "Entry",
    "identity_entries",
    "limit_entries",
    "register",
    "registry_entries",
    "send_entries",
    "share_entries",
]
