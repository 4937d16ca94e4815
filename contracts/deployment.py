"""Put the contracts on a chain, wire their roles, and write down who may sign and who is paid."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from contracts import CONTRACTS, artifact
from contracts.state import ROLES, to_bytes32
from contracts.transaction import ChainRefusalError, send

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from eth_account.signers.local import LocalAccount
    from eth_typing import ChecksumAddress
    from web3 import Web3
    from web3.contract import Contract

    from contracts.state import Asset, ListedMeter, Project

__all__ = ["AddressBook", "ChainRefusalError", "connect", "deploy", "register"]


@dataclass(frozen=True)
class AddressBook:
    """Where a deployment is."""

    chain_id: int
    block: int
    """Its first block: no event of these contracts is older."""
    addresses: Mapping[str, ChecksumAddress]
    """Contract name -> checksummed address."""

    def to_json(self) -> str:
        """Write the book: the same book, the same text."""
        book = {"chain_id": self.chain_id, "block": self.block, "addresses": dict(self.addresses)}
        return json.dumps(book, indent=2, sort_keys=True) + "\n"

    @classmethod
    def from_json(cls, text: str) -> AddressBook:
        """Read what `to_json` wrote. Raises ValueError, saying what is wrong."""
        from eth_utils.address import is_checksum_address  # noqa: PLC0415  # slow to import, and only needed here

        try:
            book = json.loads(text)
            found = cls(chain_id=book["chain_id"], block=book["block"], addresses=dict(book["addresses"]))
        except (KeyError, TypeError, ValueError) as error:
            raise ValueError(f"not an address book: {error!r}") from error
        if not isinstance(found.chain_id, int) or not isinstance(found.block, int):
            raise ValueError("not an address book: chain_id and block are integers")  # noqa: TRY004  # one error type for one file
        if missing := set(CONTRACTS) - found.addresses.keys():
            raise ValueError(f"the address book lacks {', '.join(sorted(missing))}")
        for name, address in found.addresses.items():
            if not is_checksum_address(address):
                raise ValueError(f"the address of {name} in the address book is not checksummed: {address!r}")
        return found


def connect(web3: Web3, book: AddressBook, name: str) -> Contract:
    """Bind a contract of the book, ready to call."""
    return web3.eth.contract(address=book.addresses[name], abi=artifact(name).abi)


def deploy(
    web3: Web3,
    account: ChecksumAddress | LocalAccount,
    signers: Iterable[str],
    threshold: int,
    on_step: Callable[[str], None] = lambda _: None,
) -> AddressBook:
    """Deploy and wire the whole set; `account` becomes the administrator.

    `signers` are the nodes' addresses in any order, `threshold` how many of them sign a report: at least two thirds.
    `on_step` is told the name of each step before it begins. Raises ChainRefusalError naming the step.
    """
    admin = account if isinstance(account, str) else account.address
    addresses: dict[str, ChecksumAddress] = {}
    first_block = 0

    def put(name: str, *arguments: object) -> str:
        nonlocal first_block
        on_step(f"deploy {name}")
        built = artifact(name)
        constructor = web3.eth.contract(abi=built.abi, bytecode=built.bytecode).constructor(*arguments)
        receipt = send(web3, account, constructor, f"deploy {name}")
        first_block = first_block or receipt["blockNumber"]
        address = receipt["contractAddress"]
        if address is None:
            raise ChainRefusalError(f"deploy {name}", "the receipt names no contract")
        addresses[name] = address
        return address

    manager = put("AccessManager", admin)
    put("HKDStablecoin", manager)
    registry = put("AssetRegistry", manager)
    oracle = put("ProductionOracle", manager, sorted(signers, key=lambda address: int(address, 16)), threshold)
    revenue = put("RevenueShare", manager, registry)
    credit = put("CarbonCredit", manager, registry)
    put("SettlementEngine", oracle, credit, revenue)
    book = AddressBook(chain_id=web3.eth.chain_id, block=first_block, addresses=addresses)
    _grant_roles(web3, account, book, on_step)
    return book


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
    of those lists by project. `account` must be the administrator. Raises ChainRefusalError naming the step, ValueError
    when a meter's asset is not among `assets` or a root is missing.
    """
    registry = connect(web3, book, "AssetRegistry")
    assets = list(assets)
    lists = _lists(assets, meters, meter_roots)
    steps: list[tuple[str, Any]] = [
        (
            f"register project {project.project_id}",
            registry.functions.setProject(to_bytes32(project.project_id), project.to_abi()),
        )
        for project in projects
    ]
    steps += [
        (f"register asset {asset.asset_id}", registry.functions.setAsset(to_bytes32(asset.asset_id), asset.to_abi()))
        for asset in assets
    ]
    steps += [
        (f"list the meters of {project_id}", registry.functions.setMeters(to_bytes32(project_id), root, listed))
        for project_id, (root, listed) in lists.items()
    ]
    for step, call in steps:
        on_step(step)
        send(web3, account, call, step)


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


def _grant_roles(
    web3: Web3, account: ChecksumAddress | LocalAccount, book: AddressBook, on_step: Callable[[str], None]
) -> None:
    """Let the settlement engine, and nobody else, settle on the tokens.

    All else that is restricted stays with the administrator.
    """
    manager = connect(web3, book, "AccessManager").functions
    settler = ROLES["SETTLER"]
    steps = [("name the role SETTLER", manager.labelRole(settler, "SETTLER"))]
    for token in ("RevenueShare", "CarbonCredit"):
        selector = connect(web3, book, token).encode_abi("settle", [[]])[:10]
        steps.append(
            (
                f"let SETTLER settle on {token}",
                manager.setTargetFunctionRole(book.addresses[token], [selector], settler),
            )
        )
    engine = book.addresses["SettlementEngine"]
    steps.append(("make SettlementEngine the SETTLER", manager.grantRole(settler, engine, 0)))
    for step, call in steps:
        on_step(step)
        send(web3, account, call, step)
