"""What may be asked for: bodies of the requests that prepare something."""

import re
from datetime import datetime
from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, PlainValidator, WithJsonSchema, model_validator

from api.transactions.prepared import Address, Hash

_INSTANT = re.compile(r"\d{4}-\d\d-\d\d[Tt]\d\d:\d\d:\d\d(\.\d{1,6})?([Zz]|[+-]([01]\d|2[0-3]):[0-5]\d)", re.ASCII)
Identifier = Annotated[str, Field(pattern="^[A-Za-z0-9][A-Za-z0-9._-]{0,27}$")]
Grams = Annotated[int, Field(ge=1, lt=2**80, examples=[125_000])]
Vintage = Annotated[int, Field(ge=1970, le=9999, examples=[2026])]
Month = Annotated[int, Field(ge=197001, le=999912, examples=[202606], description="yyyymm, local to the asset")]
Minor = Annotated[int, Field(ge=1, lt=2**63, description="millionths of HKD")]
Watts = Annotated[int, Field(ge=1, le=10**9)]
Register = Annotated[int, Field(ge=0, lt=2**53, description="export register [Wh]")]
LARGEST_COUNT = 2**64 - 1
Counter = Annotated[int, Field(ge=0, lt=LARGEST_COUNT)]


def _read_instant(text: object) -> datetime:
    if not isinstance(text, str) or not _INSTANT.fullmatch(text):
        raise ValueError("must be an instant with its offset from UTC, such as 2026-06-01T00:00:00Z")
    instant = datetime.fromisoformat(text.upper())  # its own errors are ValueErrors
    if instant.timestamp() < 0:
        raise ValueError("is before 1970")
    return instant


Instant = Annotated[
    datetime,
    PlainValidator(_read_instant),
    WithJsonSchema({"type": "string", "format": "date-time", "examples": ["2026-06-01T00:00:00Z"]}),
]
"""An instant with its offset from UTC, in the one form of RFC 3339."""


class Order(BaseModel):
    """A request's body: nothing in it that is not known."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)


class RetireOrder(Order):
    """Take credits out of circulation for good."""

    project_id: Identifier = Field(examples=["hunan"])
    vintage: Vintage
    grams: Grams
    holder: Address | None = Field(
        default=None, description="whose credits; null: the sender's own. Else it must have approved the sender"
    )
    beneficiary: Address | None = Field(default=None, description="account that gets the certificate; null: the sender")
    name: str = Field(default="", max_length=128, description="of the beneficiary, on chain for good; empty: unnamed")
    salt: Hash | None = Field(
        default=None, description="32 random bytes: then only the name's salted hash goes on chain. Keep them"
    )
    purpose: str = Field(default="", max_length=512, examples=["electricity of our office in 2026"])


class DrawOrder(Order):
    """Take an asset's credits out of the vault."""

    asset_id: Identifier = Field(examples=["liuyang-village-1"])
    vintage: Vintage
    grams: Grams | None = Field(default=None, description="null: all there are")
    to: Address | None = Field(default=None, description="null: the sender")


class ClaimOrder(Order):
    """Be paid what deposits cover, after collecting what was earned."""

    asset_id: Identifier | None = Field(default=None, description="null: every asset")
    months: list[Month] | None = Field(default=None, max_length=240, description="null: every month")
    to: Address | None = Field(default=None, description="null: the sender")


class DepositOrder(Order):
    """Pay for an asset's month in the project's currency."""

    asset_id: Identifier
    month: Month
    minor: Minor
    deadline: Instant | None = None
    signature: str | None = Field(default=None, pattern="^0x[0-9a-fA-F]{130}$", description="of the permit")

    @model_validator(mode="after")
    def _together(self) -> Self:
        if self.signature is not None and self.deadline is None:
            raise ValueError("a signature comes with the deadline that was signed")
        return self


class AllowOrder(Order):
    """Let an account move shares of an asset."""

    asset_id: Identifier
    spender: Address
    units: int = Field(ge=0, lt=2**48)
    deadline: Instant | None = None
    signature: str | None = Field(default=None, pattern="^0x[0-9a-fA-F]{130}$", description="of the permit")

    @model_validator(mode="after")
    def _together(self) -> Self:
        if self.signature is not None and self.deadline is None:
            raise ValueError("a signature comes with the deadline that was signed")
        return self


class ProjectTerms(Order):
    """A project that is not registered yet, or is to change."""

    currency: Address
    methodology: str = Field(default="", max_length=32, pattern="^[ -~]*$", examples=["AMS-I.D"])
    claim_right: Literal["none", "credit", "certificate"] = "none"
    document_sha256: Hash | None = Field(default=None, description="of the document that grants the right")
    assurance: Literal["device_signed", "gateway_signed", "recorded"] = "device_signed"


class RegisterOrder(Order):
    """Register an asset, with its project where that is new."""

    asset_id: Identifier = Field(examples=["roof-7"])
    project_id: Identifier = Field(examples=["hunan"])
    beneficiary: Address
    nameplate_w: Watts = Field(examples=[150_000])
    commissioned_at: Instant
    utc_offset_s: int = Field(ge=-50_400, le=50_400, examples=[28_800])
    factor_ceiling_g_per_mwh: int = Field(default=0, ge=0, lt=2**32)
    tariff_ceiling_minor_per_mwh: int = Field(default=0, ge=0, lt=2**48)
    capacity_factor_ceiling_ppm: int = Field(default=400_000, ge=1, le=1_100_000)
    status: Literal["active", "suspended"] = "suspended"
    project: ProjectTerms | None = None
    sender: Address | None = Field(default=None, description="account of the registrar; null: the call is not tried")


class CommissionOrder(Order):
    """The asset produces from now on; nothing before counts."""

    commissioned_at: Instant
    nameplate_w: Watts | None = Field(default=None, description="null: as registered")
    sender: Address | None = None


class MeterKeyOrder(Order):
    """A device's key and the register that it starts from."""

    device_id: Identifier = Field(examples=["dev-007"])
    thumbprint: Hash = Field(description="RFC 9679 thumbprint (SHA-256) of the device's public key")
    baseline_wh: Register
    baseline_at: Instant
    sender: Address | None = None


class MeterOrder(MeterKeyOrder):
    """A meter that nodes shall accept."""

    meter_id: Identifier = Field(examples=["meter-007"])
    role: Literal["inverter", "plant", "load"] = "inverter"
    nameplate_w: Watts


class RotateOrder(MeterKeyOrder):
    """A new device key for a meter; the old one counts up to a point that the device itself has signed."""

    revoked_boot: Counter = Field(description="boot epoch of the old device from which on its envelopes are refused")
    revoked_sequence: Counter = Field(description="sequence number in that boot epoch")
