"""An account's credits: what it holds, and what waits for it in the vault."""

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta

from api.transactions.reader import Block, ChainReader, Question
from api.transactions.views import HoldingsView, HoldingView, VaultView
from contracts.state import Asset, ClaimRight, credit_id, to_bytes32
from oracle.reporting.registry import RegistrySnapshot

IDS_AT_ONCE = 400
"""Balances that one view is asked for."""


def read_holdings(chain: ChainReader, address: str, block: Block) -> HoldingsView:
    """Read an account's credits at a block: ids that it holds or can draw, by project and vintage."""
    registry = chain.registry()
    vintages = vintages_of(registry, block)
    ids = [(project_id, vintage) for project_id in sorted(vintages) for vintage in vintages[project_id]]
    own = [asset for asset in assets_with_credits(registry) if asset.beneficiary == address]
    drawable = [(asset, vintage) for asset in own for vintage in _years(asset, block)]
    answers = chain.ask(
        block,
        [
            Question("CarbonCredit", "transfersPaused", ()),
            *(
                Question("CarbonCredit", "inVault", (to_bytes32(asset.asset_id), vintage))
                for asset, vintage in drawable
            ),
            *(_balances(address, ids[first : first + IDS_AT_ONCE]) for first in range(0, len(ids), IDS_AT_ONCE)),
        ],
    )
    in_vault = dict(zip(((asset.asset_id, vintage) for asset, vintage in drawable), answers[1:], strict=False))
    held = [grams for balances in answers[1 + len(drawable) :] for grams in balances]
    items = []
    for (project_id, vintage), held_g in zip(ids, held, strict=True):
        vault = [
            VaultView(asset_id=asset.asset_id, drawable_g=in_vault[asset.asset_id, year])
            for asset, year in drawable
            if (asset.project_id, year) == (project_id, vintage) and in_vault[asset.asset_id, year]
        ]
        if held_g or vault:
            items.append(
                HoldingView(
                    credit_id=str(credit_id(project_id, vintage)),
                    project_id=project_id,
                    vintage=vintage,
                    held_g=held_g,
                    vault_g=sum(one.drawable_g for one in vault),
                    vault=vault,
                )
            )
    return HoldingsView(address=address, block=block.number, at=block.at, transfers_paused=answers[0], items=items)


def assets_with_credits(registry: RegistrySnapshot) -> list[Asset]:
    """Assets of projects that have the right to credits, by name."""
    return [
        asset
        for _, asset in sorted(registry.assets.items())
        if registry.projects[asset.project_id].claim_right is ClaimRight.CREDIT
    ]


def vintages_of(registry: RegistrySnapshot, block: Block) -> dict[str, list[int]]:
    """Years in which the assets of each project with a right to credits can have produced."""
    found: dict[str, set[int]] = {}
    for asset in assets_with_credits(registry):
        found.setdefault(asset.project_id, set()).update(_years(asset, block))
    return {project_id: sorted(years) for project_id, years in found.items()}


def _years(asset: Asset, block: Block) -> Iterable[int]:
    """Local calendar years from the asset's commissioning to a block."""
    return range(_year(asset.commissioned_s, asset.utc_offset_s), _year(block.time_s, asset.utc_offset_s) + 1)


def _year(instant_s: int, utc_offset_s: int) -> int:
    return (datetime.fromtimestamp(instant_s, UTC) + timedelta(seconds=utc_offset_s)).year


def _balances(address: str, ids: list[tuple[str, int]]) -> Question:
    return Question(
        "CarbonCredit", "balanceOfBatch", ([address] * len(ids), [credit_id(name, vintage) for name, vintage in ids])
    )
