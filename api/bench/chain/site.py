"""Heliograph's contracts on a chain, with a fleet registered: as `contracts.deployment` puts them there."""

from collections.abc import Sequence
from dataclasses import dataclass

from web3 import Web3
from web3.contract import Contract

from api.bench.chain import fleet
from api.bench.chain.anvil import Anvil
from api.bench.chain.fleet import Plant
from api.bench.chain.publishing import Publisher
from api.bench.chain.settling import Tree, settle
from api.bench.chain.signing import Signers
from contracts import artifact
from contracts.address_book import AddressBook, connect
from contracts.deployment import deploy
from contracts.registration import (
    Entry,
    identity_entries,
    limit_entries,
    registry_entries,
    send_entries,
    share_entries,
)
from contracts.state import Asset, Assurance, ClaimRight, Identity, InvestorClass, Project, ShareIssue, to_bytes32
from oracle.reporting.keccak import keccak256

ACTIVATION_DELAY_S = 1800
BUFFER_BPS = 1000
RATE_WH_PER_DAY = 2 * 10**9
RATE_BURST_WH = 10**12
SHARES = 1_000_000
FOREVER_S = 2**40
HONG_KONG = 344
SMALL, LARGE = "3-of-4", "21-of-31"
SIGNERS = {SMALL: 4, LARGE: 31}
"""Quorum -> how many sign in turn."""


@dataclass(frozen=True)
class Site:
    """What is on the chain, and who may do what there."""

    anvil: Anvil
    web3: Web3
    book: AddressBook
    plants: Sequence[Plant]
    publishers: dict[str, Publisher]
    """By quorum. Only what `SMALL` publishes is settled."""
    oracles: dict[str, Contract]

    def contract(self, name: str) -> Contract:
        """A contract of the book."""
        return connect(self.web3, self.book, name)

    def settle(self, tree: Tree, size: int) -> list[dict[str, object]]:
        """Settle the small quorum's newest report, which must be active, in batches; return the receipts."""
        return settle(self.anvil, self.contract("SettlementEngine"), self.publishers[SMALL].epoch, tree, size)

    def administer(self, entries: Sequence[Entry]) -> None:
        """Make restricted calls: the first account may make them all."""
        send_entries(self.web3, self.anvil.accounts[0], self.book, entries)


def build(web3: Web3, plants: Sequence[Plant]) -> Site:
    """Deploy everything, and a second oracle with the large quorum; register the fleet."""
    anvil = Anvil(web3)
    admin = anvil.accounts[0]
    signers = {quorum: Signers.of(count) for quorum, count in SIGNERS.items()}
    small, large = signers[SMALL], signers[LARGE]
    book = deploy(web3, admin, small.addresses, small.threshold, activation_delay_s=ACTIVATION_DELAY_S)
    arguments = (book.addresses["AccessManager"], large.addresses, large.threshold, ACTIVATION_DELAY_S)
    oracles = {
        SMALL: connect(web3, book, "ProductionOracle"),
        LARGE: anvil.put(artifact("ProductionOracle"), *arguments),
    }
    publishers = {quorum: Publisher(anvil, oracles[quorum], signers[quorum]) for quorum in SIGNERS}
    site = Site(anvil, web3, book, plants, publishers, oracles)
    site.administer(_entries(book, plants))
    return site


def issue_share(site: Site, plant: Plant, holders: Sequence[str]) -> Contract:
    """Verify accounts and issue a plant's share, all of it to the first of them."""
    site.administer(
        [
            *identity_entries(Identity(holder, HONG_KONG, InvestorClass.INSTITUTION, FOREVER_S) for holder in holders),
            *share_entries([ShareIssue(plant.asset_id, plant.asset_id, "SUN", SHARES, holders[0])]),
        ]
    )
    where = site.contract("ShareOffice").functions.shareOf(to_bytes32(plant.asset_id)).call()
    return site.anvil.bind(artifact("AssetShare"), where)


def _entries(book: AddressBook, plants: Sequence[Plant]) -> list[Entry]:
    projects = sorted({plant.project_id for plant in plants})
    return [
        *registry_entries(
            (_project(name, book.addresses["HKDStablecoin"]) for name in projects), map(_asset, plants), (), {}
        ),
        *limit_entries(dict.fromkeys(projects, (RATE_WH_PER_DAY, RATE_BURST_WH)), dict.fromkeys(projects, BUFFER_BPS)),
    ]


def _project(name: str, currency: str) -> Project:
    return Project(
        project_id=name,
        currency=currency,
        methodology=b"AMS-I.D".ljust(32, b"\0"),
        claim_right=ClaimRight.CREDIT,
        document_hash=keccak256(b"deed"),
        assurance=Assurance.DEVICE_SIGNED,
    )


def _asset(plant: Plant) -> Asset:
    return Asset(
        asset_id=plant.asset_id,
        project_id=plant.project_id,
        beneficiary=plant.owner,
        nameplate_w=plant.nameplate_w,
        commissioned_s=fleet.COMMISSIONED_S,
        utc_offset_s=fleet.UTC_OFFSET_S,
        factor_ceiling_g_per_mwh=fleet.FACTOR_CEILING_G_PER_MWH,
        tariff_ceiling_minor_per_mwh=fleet.TARIFF_CEILING_MINOR_PER_MWH,
        capacity_factor_ceiling_ppm=fleet.CAPACITY_FACTOR_CEILING_PPM,
    )
