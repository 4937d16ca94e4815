"""What a wallet is asked to sign and send: one call, or a few in order, each said in words."""

from datetime import datetime
from typing import Annotated, Any

from eth_utils.address import is_checksum_address, to_checksum_address
from pydantic import AfterValidator, BaseModel, ConfigDict, Field


def _as_checksummed(address: str) -> str:
    """Checksum an address (EIP-55). Raises ValueError where it is written with a checksum that is wrong: mistyped."""
    digits = address[2:]
    if digits not in (digits.lower(), digits.upper()) and not is_checksum_address(address):
        raise ValueError("the address is mistyped: its checksum (EIP-55) is wrong")
    return to_checksum_address(address)


Address = Annotated[
    str,
    Field(pattern="^0x[0-9a-fA-F]{40}$", examples=["0x52908400098527886E0F7030069857D2E4169EE7"]),
    AfterValidator(_as_checksummed),
]
"""An account or contract, checksummed (EIP-55)."""
Hash = Annotated[str, Field(pattern="^0x[0-9a-fA-F]{64}$")]
"""32 bytes, as hex."""
Figure = Annotated[str, Field(pattern="^[0-9]{1,78}$")]
"""A whole number of up to 256 bits, as decimal digits."""


class Frozen(BaseModel):
    """A view: made once, never changed."""

    model_config = ConfigDict(frozen=True)


class Says(Frozen):
    """What a call does, for people: a key that every language has words for, and what to put into them."""

    key: str = Field(examples=["retire"])
    values: dict[str, str | int | None] = Field(
        default_factory=dict, examples=[{"grams": 125_000, "project_id": "hunan", "vintage": 2026}]
    )


class PermitView(Frozen):
    """A permit to sign in place of sending the call (EIP-2612): the same request again, with the signature, uses it."""

    typed_data: dict[str, Any] = Field(description="EIP-712, as `eth_signTypedData_v4` takes it")
    deadline: datetime = Field(description="it is worth nothing after this")


class PreparedView(Frozen):
    """One transaction. The API neither signs nor sends it."""

    chain_id: int
    to: Address
    data: str = Field(pattern="^0x([0-9a-f]{2})*$", description="calldata")
    value: str = Field(default="0", description="wei; always nothing")
    from_: Address | None = Field(
        default=None, alias="from", description="the only account that it was prepared for; null for any that may"
    )
    gas_estimate: int | None = Field(description="null where an earlier step must be in a block first")
    function: str = Field(examples=["CarbonCredit.retire"])
    says: Says
    permit: PermitView | None = None
    expires: datetime | None = Field(default=None, description="null where it is good until the chain has changed")

    model_config = ConfigDict(frozen=True, populate_by_name=True)


class StepsView(Frozen):
    """Transactions to send in this order, each when the one before is in a block. None where there is nothing to do."""

    steps: list[PreparedView]
