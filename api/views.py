"""What the API shows: views over one node's journal and the chain. Nothing here can change either."""

import json
from datetime import UTC, datetime

from pydantic import BaseModel, Field

from api.problems import NotFoundProblem
from oracle.attestation.proof import Anchor, encode_anchor, encode_proof
from oracle.historian.embedded import EmbeddedHistorian
from oracle.historian.port import Sample
from oracle.journal.journal import Journal
from oracle.journal.proving import prove_asset
from oracle.journal.records import ReportRecord
from oracle.metering.ledger import balances
from oracle.metering.settlement import Standing
from oracle.reporting.eligibility import Refusal, credit_refusal
from oracle.reporting.registry import ListedAsset
from oracle.reporting.rules import Rules
from oracle.transmitter.web3_chain import Web3Chain


class Health(BaseModel):
    """Whether readings arrive and reports are published."""

    status: str = Field(examples=["ok"])
    epoch: int = Field(description="number of the last report, 0 before the first")
    cutoff: datetime | None = Field(description="up to when readings are settled")
    envelopes: int
    readings: int
    last_arrival: datetime | None
    rejections: dict[str, int] = Field(description="messages not accepted, by reason")


class AssetView(BaseModel):
    """One registered asset and what stands to its credit on the last report."""

    asset_id: str
    project_id: str
    beneficiary: str
    nameplate_w: int
    commissioned: datetime
    utc_offset_s: int
    claim_right: str
    credit_refusal: str | None = Field(description="why its energy gets no credits; null where it does")
    assurance: str
    meters: list[str]
    attested_wh: int
    withheld_wh: int
    disputed_wh: int


class Account(BaseModel):
    """Watt-hours of one meter in one interval under one reason; the reason of attested ones is empty."""

    reason: str
    wh: int


class ProductionInterval(BaseModel):
    """Every watt-hour of one meter in one interval."""

    meter_id: str
    start: datetime
    end: datetime
    attested_wh: int
    withheld: list[Account]
    disputed: list[Account]


class CreditsView(BaseModel):
    """What was minted for one asset in one vintage, read from the chain."""

    asset_id: str
    vintage: int
    energy_wh: int
    credits_g: int
    revenue_minor: int


class Views:
    """Everything the routes may look at."""

    def __init__(self, journal: Journal, chain: Web3Chain, rules: Rules, *, network: str) -> None:
        self._journal = journal
        self._chain = chain
        self._rules = rules
        self._network = network
        self._historian = EmbeddedHistorian(journal)

    def health(self) -> Health:
        """Counts and freshness."""
        envelopes, readings, last_ms = self._journal.tallies()
        last = self._journal.last_report()
        return Health(
            status="ok",
            epoch=last.report.epoch if last else 0,
            cutoff=_instant(last.report.cutoff_s * 1000) if last else None,
            envelopes=envelopes,
            readings=readings,
            last_arrival=_instant(last_ms) if last_ms is not None else None,
            rejections=self._journal.rejection_counts(),
        )

    def assets(self) -> list[AssetView]:
        """All registered assets, by name."""
        registry = self._chain.registry_at(self._chain.finalized_block())
        last = self._journal.last_report()
        views = []
        for asset_id, asset in sorted(registry.assets.items()):
            project = registry.projects[asset.project_id]
            settled = _settled(last, asset_id)
            views.append(
                AssetView(
                    asset_id=asset_id,
                    project_id=asset.project_id,
                    beneficiary=asset.beneficiary,
                    nameplate_w=asset.nameplate_w,
                    commissioned=_instant(asset.commissioned_s * 1000),
                    utc_offset_s=asset.utc_offset_s,
                    claim_right=project.claim_right.name.lower(),
                    credit_refusal=self._credit_refusal(registry.listed(asset_id)),
                    assurance=project.assurance.name.lower(),
                    meters=[meter.meter_id for meter in registry.meters_of(asset_id)],
                    **settled,
                )
            )
        return views

    def _credit_refusal(self, listed: ListedAsset) -> str | None:
        if listed.asset.asset_id not in self._rules.terms:
            return Refusal.NO_FACTOR
        return credit_refusal(listed, self._rules.terms_of(listed.asset.asset_id))

    def asset(self, asset_id: str) -> AssetView:
        """One asset. Raises NotFoundProblem."""
        for view in self.assets():
            if view.asset_id == asset_id:
                return view
        raise NotFoundProblem(f"no asset {asset_id!r} is registered; GET /v1/assets lists those that are")

    def production(self, asset_id: str, start_ms: int, end_ms: int) -> list[ProductionInterval]:
        """Ledger of one asset for intervals that start in [start, end) [ms UTC]. Raises NotFoundProblem."""
        self.asset(asset_id)
        rows: dict[tuple[str, int], ProductionInterval] = {}
        for account, energy_wh in sorted(balances(self._journal.entries(asset_id)).items()):
            if not start_ms <= account.start_ms < end_ms:
                continue
            key = (account.meter_id, account.start_ms)
            if key not in rows:
                rows[key] = ProductionInterval(
                    meter_id=account.meter_id,
                    start=_instant(account.start_ms),
                    end=_instant(account.start_ms + self._rules.ledger_interval_ms),
                    attested_wh=0,
                    withheld=[],
                    disputed=[],
                )
            if account.standing is Standing.ATTESTED:
                rows[key].attested_wh = energy_wh
            else:
                held = rows[key].withheld if account.standing is Standing.WITHHELD else rows[key].disputed
                held.append(Account(reason=account.reason, wh=energy_wh))
        return list(rows.values())

    def samples(self, asset_id: str, start_ms: int, end_ms: int) -> dict[str, list[Sample]]:
        """Raw readings of an asset's meters in [start, end) [ms UTC]. Raises NotFoundProblem."""
        return {
            meter_id: self._historian.samples(meter_id, start_ms, end_ms) for meter_id in self.asset(asset_id).meters
        }

    def credits(self, asset_id: str) -> list[CreditsView]:
        """Minted figures of one asset by vintage, from the chain. Raises NotFoundProblem."""
        self.asset(asset_id)
        last = self._journal.last_report()
        vintages = sorted(s.vintage for s in last.statements if s.asset_id == asset_id) if last else []
        views = []
        for vintage in vintages:
            minted = self._chain.minted(asset_id, vintage)
            views.append(
                CreditsView(
                    asset_id=asset_id,
                    vintage=vintage,
                    energy_wh=minted.energy_wh,
                    credits_g=minted.credits_g,
                    revenue_minor=minted.revenue_minor,
                )
            )
        return views

    def proof(self, asset_id: str) -> bytes:
        """File that `heliograph verify` takes. Raises NotFoundProblem, JournalError before the first report."""
        self.asset(asset_id)
        proof = prove_asset(
            self._journal,
            asset_id,
            network=self._network,
            domain=self._chain.domain,
            signer_set=self._chain.signer_set(),
            rules=self._rules,
        )
        return encode_proof(proof)

    def anchor(self) -> bytes:
        """File that `heliograph verify --trust` takes. Trust it only if it comes from somewhere you trust."""
        return encode_anchor(Anchor(self._chain.domain, self._chain.signer_set()))


def _settled(last: ReportRecord | None, asset_id: str) -> dict[str, int]:
    document = json.loads((last.settlement_of(asset_id) if last else None) or '{"meters": []}')
    names = ("attested_wh", "withheld_wh", "disputed_wh")
    return {name: sum(meter[name] for meter in document["meters"]) for name in names}


def _instant(instant_ms: int) -> datetime:
    return datetime.fromtimestamp(instant_ms / 1000, UTC)
