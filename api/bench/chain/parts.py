"""Which transactions are taken apart, and what their storage slots are called: each after the getter that reads it."""

from collections.abc import Mapping, Sequence
from typing import Any

from web3.contract import Contract

from api.bench.chain import fleet
from api.bench.chain.features import Names, features, per_unit
from api.bench.chain.season import Day
from api.bench.chain.site import LARGE, SMALL, Site
from contracts.state import credit_id, to_bytes32

NAMES = {
    "AccessManager": "roles",
    "AssetRegistry": "registry",
    "CarbonCredit": "credits",
    "IdentityRegistry": "identities",
    "MarkLedger": "ledger",
    "SettlementEngine": "engine",
}


def parts_of(  # noqa: PLR0913, PLR0917 - three transactions and what they are about
    site: Site, day: Day, batch: int, share: Contract, transfer: dict[str, Any], holders: Sequence[str]
) -> Mapping[str, Mapping[str, float]]:
    """Transaction -> feature -> gas; a settlement's an asset."""
    names = _names(site, share, holders, day.epoch)
    traced = {
        "publish_3_of_4": (day.published[SMALL][-1], 1),
        "publish_21_of_31": (day.published[LARGE][-1], 1),
        "settle_per_asset_100": (day.settled[0], batch),
        "share_transfer": (transfer, 1),
    }
    return {
        key: per_unit(features(site.anvil, receipt["transactionHash"], names), units)
        for key, (receipt, units) in traced.items()
    }


def _names(site: Site, share: Contract, holders: Sequence[str], epoch: int) -> Names:
    names = Names()
    for name, called in NAMES.items():
        names.add_contract(called, site.contract(name))
    names.add_contract("share", share)
    for quorum in (SMALL, LARGE):
        names.add_contract("oracle", site.oracles[quorum])
        names.add_slots(site.anvil, "head (epoch, cutoff, signers, pause)", site.oracles[quorum], "lastEpoch")
        names.add_slots(site.anvil, "prev", site.oracles[quorum], "lastDigest")
        names.add_slots(site.anvil, "ring (root, totals)", site.oracles[quorum], "roundOf", [[epoch]])
    _name_settlement(site, names)
    names.add_slots(site.anvil, "holders (balance, accrual)", share, "accountOf", [[holder] for holder in holders])
    who = site.contract("IdentityRegistry")
    names.add_slots(site.anvil, "identity", who, "identityOf", [[holder] for holder in holders])
    return names


def _name_settlement(site: Site, names: Names) -> None:
    assets = [to_bytes32(plant.asset_id) for plant in site.plants]
    projects = sorted({plant.project_id for plant in site.plants})
    words = [[to_bytes32(project)] for project in projects]
    ledger, registry, credit = (site.contract(name) for name in ("MarkLedger", "AssetRegistry", "CarbonCredit"))
    tokens = [credit_id(project, fleet.YEAR) for project in projects]
    anvil = site.anvil
    names.add_slots(anvil, "marks", ledger, "markOf", [[asset, fleet.YEAR] for asset in assets])
    names.add_slots(anvil, "past vintages", ledger, "lifetimeOf", [[asset] for asset in assets[:1]])
    names.add_slots(anvil, "rate limit", ledger, "rateLimitOf", words)
    names.add_slots(anvil, "terms (ceilings, status)", registry, "terms", [[asset] for asset in assets])
    names.add_slots(anvil, "issuance", credit, "issuanceOf", [[*word, fleet.YEAR] for word in words])
    pools = [credit.address, credit.functions.BUFFER().call()]
    names.add_slots(anvil, "vault and buffer", credit, "balanceOf", [[pool, one] for pool in pools for one in tokens])
