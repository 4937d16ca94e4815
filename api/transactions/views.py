"""What the chain says of an account's credits and revenue, and of a transaction."""

from datetime import datetime
from typing import Any, Literal

from pydantic import Field

from api.transactions.prepared import Address, Figure, Frozen, Hash, PreparedView, Says


class VaultView(Frozen):
    """Credits of one asset that its beneficiary can draw."""

    asset_id: str
    drawable_g: int


class HoldingView(Frozen):
    """An account's credits of one id."""

    credit_id: Figure
    project_id: str
    vintage: int
    held_g: int
    vault_g: int = Field(description="sum of `vault`")
    vault: list[VaultView]


class HoldingsView(Frozen):
    """An account's credits at one block."""

    address: Address
    block: int
    at: datetime = Field(description="time of that block")
    transfers_paused: bool = Field(description="drawing and sending are stopped; retiring never is")
    items: list[HoldingView]
    next: None = None


class EntitledMonth(Frozen):
    """What an account has of the revenue of one asset's month [millionths of HKD], each figure rounded down."""

    asset_id: str
    month: int = Field(description="yyyymm, local to the asset")
    revenue_id: Figure
    final: bool = Field(description="over: what was attested does not change, and deposits pay")
    shares: int = Field(description="held now; revenue belongs to who held them when it was settled")
    share_supply: int
    attested_minor: int = Field(description="of the whole asset")
    written_down_minor: int = Field(description="of the whole asset: will not be paid")
    deposited_minor: int = Field(description="for the whole asset")
    earned_minor: int = Field(description="the account's own, by shares")
    collected_minor: int = Field(description="of it, collected as receivables")
    units: int = Field(description="receivables held now, collected or bought")
    claimed_minor: int = Field(description="paid out already")
    claimable_minor: int = Field(description="covered by deposits, paid by the next claim")
    awaited_minor: int = Field(description="not covered yet")
    may_claim: bool = Field(description="false while the account's shares are frozen, or its key was declared lost")


class EntitlementView(Frozen):
    """An account's revenue at one block."""

    address: Address
    block: int
    at: datetime
    verified: bool = Field(description="whether the account may receive revenue")
    earned_minor: int
    claimed_minor: int
    claimable_minor: int
    awaited_minor: int
    items: list[EntitledMonth]
    next: None = None


class EffectView(Frozen):
    """One thing that a transaction did, from its events."""

    contract: str
    event: str = Field(examples=["Retired"])
    values: dict[str, Any]


class TransactionView(Frozen):
    """What became of a transaction."""

    hash: Hash
    state: Literal["unknown", "waiting", "done", "refused"]
    says: Says
    detail: str = Field(description="in words: what has happened, and what to do")
    reason: str | None = Field(description="error of the contract where it refused")
    block: int | None
    at: datetime | None
    final: bool = Field(description="the block is one that the chain does not undo")
    gas_used: int | None
    effects: list[EffectView]
    then: list[PreparedView] = Field(description="what usually follows: the certificate of a retirement")
