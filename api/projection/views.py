"""What the API shows, as it is sent: one model a resource.

Integers are base units: Wh, W, g, minor units (millionths of a Hong Kong dollar). Instants are UTC. A missing figure is
null, never 0.
"""

from datetime import date, datetime
from typing import Any, Generic, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, Field

Item = TypeVar("Item")

Standing = Literal["attested", "withheld", "disputed"]
StationName = Literal["meters", "journal", "nodes", "report", "minted", "paid"]
StationState = Literal["good", "waits", "disputed", "stale", "none"]
ReportStatus = Literal["pending", "active", "disabled"]
Metric = Literal["energy", "credits", "revenue"]
FeedState = Literal["never_started", "fresh", "stale", "sealed"]
Per = Literal["interval", "hour", "day", "month"]
EventKind = Literal[
    "reading", "report", "report_active", "report_disabled", "mint", "reversal", "withheld", "meter_stale", "meter_back",
    "deposit", "claim", "retirement",
]  # fmt: skip


class View(BaseModel):
    """What all views have in common: they are written once and only read."""

    model_config = ConfigDict(frozen=True)


class Page(View, Generic[Item]):
    """Some of a list, and where the rest begins."""

    items: list[Item]
    next: str | None = Field(default=None, description="cursor of the next page; null on the last")


class Source(View):
    """How fresh what is shown is: of the journal, or of the chain."""

    fresh_at: datetime | None = Field(default=None, description="when it last answered; null before the first time")
    stale_since: datetime | None = Field(default=None, description="since when it has not answered; null while it does")
    fault: str | None = Field(default=None, description="why it does not")
    remark: str | None = Field(default=None, description="what was done about it last: made anew, since it was another")


class Freshness(View):
    """Both sources, and the node that writes the journal."""

    journal: Source
    chain: Source
    node: Source | None = Field(default=None, description="the node beside this server; null where it is not watched")


class Station(View):
    """One station of the way of a watt-hour. Only the counts of its own kind are set."""

    name: StationName
    state: StationState
    at: datetime | None = Field(default=None, description="when something last happened there")
    reporting: int | None = Field(default=None, description="meters: those that report")
    of: int | None = Field(default=None, description="meters: how many are listed; nodes and report: how many may sign")
    readings: int | None = Field(default=None, description="journal: readings, signed")
    envelopes: int | None = Field(default=None, description="journal: signed envelopes that carried them")
    agreed: int | None = Field(default=None, description="nodes: signatures under the last report")
    needed: int | None = Field(default=None, description="nodes and report: signatures that a report needs")
    epoch: int | None = Field(default=None, description="report: number of the last one that stands")
    signed: int | None = Field(default=None, description="report: signatures under it")
    state_on_chain: ReportStatus | None = Field(
        default=None, description="report: null while the chain does not have it"
    )
    energy_wh: int | None = Field(default=None, description="minted: energy settled on chain")
    credits_g: int | None = Field(default=None, description="minted: credits settled on chain")
    paid_minor: int | None = Field(default=None, description="paid: deposited by the off-takers and due to holders")
    awaited_minor: int | None = Field(default=None, description="paid: attested and not deposited yet")


class Status(View):
    """The way of a watt-hour, with how fresh it is known."""

    at: datetime
    network: str
    chain_id: int | None
    sources: Freshness
    stations: list[Station] = Field(description="six, in the order of the way")


class MeterView(View):
    """One listed meter."""

    meter_id: str
    device_id: str
    role: Literal["inverter", "plant", "load"]
    thumbprint: str = Field(description="of its device's key, RFC 9679, hexadecimal")
    nameplate_w: int
    last_reading_at: datetime | None = Field(description="instant of its newest reading")
    last_arrival_at: datetime | None = Field(default=None, description="when its newest envelope arrived")
    power_w: int | None = Field(default=None, description="of its newest reading")
    readings: int = Field(default=0, description="readings that arrived")
    revoked: bool
    stale: bool = Field(description="nothing has arrived for longer than it should take")


class FactorView(View):
    """The emission factor that credits are computed with."""

    factor_id: str
    g_per_mwh: int
    year: int
    kind: str
    source: str


class TariffView(View):
    """What a megawatt-hour earns."""

    tariff_id: str
    minor_per_mwh: int
    source: str


class AssetView(View):
    """One registered asset, what stands to its credit on the last report, and what the chain has of it."""

    asset_id: str
    name: str | None = Field(default=None, description="what its owner calls it, where the operator has said so")
    project_id: str
    beneficiary: str
    nameplate_w: int
    commissioned: datetime
    utc_offset_s: int
    claim_right: Literal["none", "credit", "certificate"]
    credit_refusal: str | None = Field(description="why its energy gets no credits; null where it does")
    assurance: Literal["device_signed", "gateway_signed", "recorded"]
    status: Literal["unregistered", "active", "suspended", "retired", "elsewhere"]
    methodology: str
    latitude: float | None = None
    longitude: float | None = None
    factor: FactorView | None = None
    tariff: TariffView | None = None
    meters: list[MeterView]
    attested_wh: int
    withheld_wh: int
    disputed_wh: int
    minted_wh: int
    credits_g: int
    revenue_minor: int
    power_w: int | None = Field(description="of the newest readings; null while there is none that is fresh")
    today_wh: int = Field(description="attested of the running local day")
    last_reading_at: datetime | None


class ProductionView(View):
    """Watt-hours of an asset in one interval, hour, local day or local month."""

    start: datetime
    end: datetime
    attested_wh: int
    withheld_wh: int
    disputed_wh: int
    minted: bool | None = Field(description="whether it was settled on chain; null where nothing is attested")


class AccountView(View):
    """Watt-hours of one meter in one interval under one standing and reason, and what they mean."""

    meter_id: str
    start: datetime
    end: datetime
    standing: Standing
    reason: str = Field(description="reason code; empty where attested")
    wh: int
    says: str = Field(description="key of the sentence that says why: reasons.<code>.why")
    do: str = Field(description="key of the sentence that says what to do: reasons.<code>.do")


class ReadingView(View):
    """One reading as its meter sent it."""

    meter_id: str
    at: datetime
    export_wh: int | None
    power_w: int | None


class PowerPoint(View):
    """Mean power of one step; null where no meter said anything."""

    at: datetime
    power_w: int | None


class HourView(View):
    """One hour of a day: absent while no report has reached it."""

    start: datetime
    end: datetime
    attested_wh: int | None = Field(description="null where there is no data, 0 where nothing was produced")
    withheld_wh: int
    disputed_wh: int
    reasons: list[str]


class PowerView(View):
    """A local day of an asset, or of all assets of a portfolio."""

    asset_id: str | None = Field(description="null for a sum of several")
    day: date
    step_s: int
    points: list[PowerPoint]
    clear_sky: list[PowerPoint] | None = Field(
        description="what a clear sky would give; null where the place is not known"
    )
    hours: list[HourView]


class MonthView(View):
    """Revenue of an asset's month."""

    asset_id: str | None = Field(description="null for a sum of several")
    month: int = Field(description="yyyymm, local to the asset", examples=[202611])
    attested_minor: int
    funded_minor: int = Field(description="deposited, as far as it is needed")
    paid_minor: int = Field(description="claimed by holders")
    written_down_minor: int
    excess_minor: int = Field(description="deposited beyond what is needed")
    is_final: bool = Field(default=False, description="whether the month is over, so that holders may claim")


class PortfolioCredits(View):
    """Credits of a portfolio in one project's vintage."""

    project_id: str
    vintage: int
    credits_g: int
    retired_g: int


class HeldBack(View):
    """Energy of an asset that is withheld or disputed, by reason."""

    asset_id: str
    standing: Standing
    reason: str
    wh: int


class PortfolioView(View):
    """What an owner has, at a glance."""

    at: datetime
    power_w: int | None
    today_wh: int
    assets: list[AssetView]
    credits: list[PortfolioCredits]
    month: MonthView | None
    held_back: list[HeldBack]
    power: PowerView


class SignerView(View):
    """One node that may sign."""

    address: str
    signed: bool


class ReportView(View):
    """One report: the journal's and the chain's side of it."""

    epoch: int
    digest: str
    prev: str
    cutoff: datetime
    published_at: datetime | None
    block: int | None
    transaction: str | None
    status: ReportStatus
    root: str
    leaf_count: int
    energy_wh: int
    credits_g: int
    revenue_minor: int
    signers: list[SignerView]
    threshold: int


class CreditView(View):
    """Carbon credits of one project's vintage, as the chain counts them."""

    credit_id: str
    project_id: str
    vintage: int
    claim_kind: Literal["none", "credit", "certificate"]
    sealed: bool
    issued_g: int
    reversed_g: int
    offset_g: int
    buffer_g: int
    vault_g: int
    held_g: int
    retired_g: int
    cancelled_g: int
    assets: list[str] = Field(default_factory=list, description="assets that credits of it were issued for")


class RetirementView(View):
    """Credits taken out of circulation for somebody."""

    number: int
    credit_id: str
    project_id: str
    vintage: int
    grams: int
    first_serial: int
    last_serial: int
    retired_by: str
    beneficiary_address: str
    beneficiary: str | None = Field(description="the name, where one is given")
    beneficiary_hash: str | None = Field(description="hash of a name that its holder keeps to itself")
    purpose: str
    at: datetime
    block: int
    transaction: str
    certified: bool = Field(default=False, description="whether the token that shows it was made")
    assets: list[str] = Field(description="whose production its serial numbers lead to")


class DepositView(View):
    """Money that came for an asset's month."""

    asset_id: str
    month: int
    minor: int
    by: str
    at: datetime
    block: int
    transaction: str


class ClaimView(DepositView):
    """Money that a holder took for an asset's month; `by` is the holder."""

    to: str


class FeedView(View):
    """One feed that other contracts read."""

    asset_id: str | None = Field(description="null for the whole fleet")
    metric: Metric
    address: str
    answer: str | None = Field(description="null before the first")
    decimals: int
    state: FeedState
    updated_at: datetime | None


class EventView(View):
    """Something that happened, numbered from 1."""

    number: int
    kind: EventKind
    asset_id: str | None
    at: datetime
    document: dict[str, Any]
