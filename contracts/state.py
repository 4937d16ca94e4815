"""What the chain says about projects, assets and meters, as plain values. Pure: no web3, no I/O.

Each class mirrors a struct of `contracts/src/registry/IAssetRegistry.sol`; `to_abi` gives what the registry's setter takes and
`from_abi` reads what its getter returns.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import IntEnum
from typing import Any, Final

IDENTIFIER: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,27}")
NEVER_REVOKED: Final = 2**64 - 1
"""`revoked_boot` and `revoked_sequence` of a key that is valid."""


class Role(IntEnum):
    """Roles of the AccessManager: who may call what is restricted (see `contracts.roles`)."""

    ADMIN = 0
    SETTLER = 1
    GUARDIAN = 2
    REGISTRAR = 3
    IDENTITY_ISSUER = 4
    ENFORCER = 5
    TRUSTEE = 6
    BUFFER_KEEPER = 7
    SHARE_ISSUER = 8
    SIGNER_ADMIN = 9


ROLES: Final = {role.name: int(role) for role in Role}
"""Label -> number of each role."""


class RootStatus(IntEnum):
    """What became of an epoch's report."""

    UNKNOWN = 0
    """None was published, or it has fallen out of the oracle's ring."""
    PENDING = 1
    ACTIVE = 2
    DISABLED = 3


class ClaimRight(IntEnum):
    """Which environmental claim a project's energy backs."""

    NONE = 0
    CREDIT = 1
    CERTIFICATE = 2


class Assurance(IntEnum):
    """Who signs the readings of a project's meters."""

    DEVICE_SIGNED = 0
    GATEWAY_SIGNED = 1
    RECORDED = 2


class AssetStatus(IntEnum):
    """Only an active asset is minted for."""

    UNREGISTERED = 0
    ACTIVE = 1
    SUSPENDED = 2
    RETIRED = 3
    ELSEWHERE = 4


class InvestorClass(IntEnum):
    """What an investor may hold: a share names the lowest class that it is for."""

    RETAIL = 0
    PROFESSIONAL_INDIVIDUAL = 1
    PROFESSIONAL_COMPANY = 2
    INSTITUTION = 3


class MeterRole(IntEnum):
    """What a meter measures."""

    INVERTER = 0
    PLANT = 1
    LOAD = 2


def to_bytes32(name: str) -> bytes:
    """Write an identifier as the chain holds it: ASCII, left-aligned, zero-padded to 32 bytes.

    Raises ValueError unless the name is 1 to 28 characters of `[A-Za-z0-9._-]`, the first a letter or digit.
    """
    if not IDENTIFIER.fullmatch(name):
        raise ValueError(
            f"{name!r} is not an identifier: 1 to 28 of letters, digits, '.', '_', '-', the first a letter or digit"
        )
    return name.encode("ascii").ljust(32, b"\0")


def from_bytes32(raw: bytes) -> str:
    """Read the identifier that the chain holds as these 32 bytes: the inverse of `to_bytes32`. Raises ValueError."""
    name = raw.rstrip(b"\0").decode("ascii", errors="replace")
    if len(raw) != 32 or not IDENTIFIER.fullmatch(name):
        raise ValueError(f"0x{raw.hex()} is not an identifier")
    return name


def credit_id(project_id: str, vintage: int) -> int:
    """Compute the CarbonCredit token id of a project's vintage (a year)."""
    return int.from_bytes(to_bytes32(project_id), "big") | vintage


def revenue_id(asset_id: str, month: int) -> int:
    """Compute the RevenueShare token id of an asset's month (yyyy * 100 + mm)."""
    return int.from_bytes(to_bytes32(asset_id), "big") | month


@dataclass(frozen=True)
class Project:
    """Assets that share a methodology, a claim right, a currency and an assurance class."""

    project_id: str
    currency: str
    """ERC-20 contract, checksummed address."""
    methodology: bytes
    """32 bytes naming the methodology its credits follow."""
    claim_right: ClaimRight
    document_hash: bytes
    """SHA-256 of the document that grants the claim right; needed with a right, else 32 zero bytes."""
    assurance: Assurance
    meters_root: bytes = bytes(32)
    """Merkle root of its meter list; 32 zero bytes before the first. Set by `setMeters`, not with the project."""

    def to_abi(self) -> tuple[Any, ...]:
        """Give the `Project` struct."""
        return (self.currency, self.methodology, int(self.claim_right), self.document_hash, int(self.assurance))

    @classmethod
    def from_abi(cls, project_id: bytes, struct: tuple[Any, ...], meters_root: bytes) -> Project:
        """Read a project from what `project(id)` and `metersRoot(id)` returned."""
        currency, methodology, claim_right, document_hash, assurance = struct
        return cls(
            project_id=from_bytes32(project_id),
            currency=currency,
            methodology=bytes(methodology),
            claim_right=ClaimRight(claim_right),
            document_hash=bytes(document_hash),
            assurance=Assurance(assurance),
            meters_root=bytes(meters_root),
        )


@dataclass(frozen=True)
class Asset:
    """A plant, or the part of one, that tokens are minted for, and the most that may be minted."""

    asset_id: str
    project_id: str
    beneficiary: str
    """Receives what is minted, checksummed address."""
    nameplate_w: int
    """Rated power [W]."""
    commissioned_s: int
    """Nothing was produced before it [s UTC]."""
    utc_offset_s: int
    """Local time minus UTC [s], fixed for good: where its years and months begin."""
    factor_ceiling_g_per_mwh: int
    """At most this much credit [gCO2e/MWh]."""
    tariff_ceiling_minor_per_mwh: int
    """At most this much revenue [minor unit/MWh]."""
    capacity_factor_ceiling_ppm: int
    """At most this share of nameplate x time [ppm]."""
    status: AssetStatus = AssetStatus.ACTIVE

    def to_abi(self) -> tuple[Any, ...]:
        """Give the `Asset` struct."""
        return (
            to_bytes32(self.project_id),
            self.beneficiary,
            self.nameplate_w,
            self.commissioned_s,
            self.utc_offset_s,
            self.factor_ceiling_g_per_mwh,
            self.tariff_ceiling_minor_per_mwh,
            self.capacity_factor_ceiling_ppm,
            int(self.status),
        )

    @classmethod
    def from_abi(cls, asset_id: bytes, struct: tuple[Any, ...]) -> Asset:
        """Read an asset from what `asset(id)` returned. Raises ValueError for one that is not registered."""
        project_id, beneficiary, *figures, status = struct
        nameplate_w, commissioned_s, utc_offset_s, factor, tariff, capacity_factor = figures
        return cls(
            asset_id=from_bytes32(asset_id),
            project_id=from_bytes32(bytes(project_id)),
            beneficiary=beneficiary,
            nameplate_w=nameplate_w,
            commissioned_s=commissioned_s,
            utc_offset_s=utc_offset_s,
            factor_ceiling_g_per_mwh=factor,
            tariff_ceiling_minor_per_mwh=tariff,
            capacity_factor_ceiling_ppm=capacity_factor,
            status=AssetStatus(status),
        )


@dataclass(frozen=True)
class ListedMeter:
    """A meter that nodes accept, and the key that signs for it: one leaf of a project's meter list."""

    asset_id: str
    meter_id: str
    device_id: str
    thumbprint: bytes
    """RFC 9679 COSE key thumbprint, SHA-256, 32 bytes."""
    role: MeterRole
    nameplate_w: int
    """Rated power behind it [W]."""
    baseline_wh: int
    """Export register confirmed at registration [Wh]: settlement starts from it."""
    baseline_time_ms: int
    """When the baseline was read [ms UTC]."""
    revoked_boot: int = NEVER_REVOKED
    """Envelopes from (revoked_boot, revoked_sequence) on are refused; both `NEVER_REVOKED` while the key is valid."""
    revoked_sequence: int = NEVER_REVOKED

    def to_abi(self) -> tuple[Any, ...]:
        """Give the `Meter` struct, which is also the leaf of the meter list (see `METER_LEAF_TYPES`)."""
        return (
            to_bytes32(self.asset_id),
            self.meter_id,
            self.device_id,
            self.thumbprint,
            int(self.role),
            self.nameplate_w,
            self.baseline_wh,
            self.baseline_time_ms,
            self.revoked_boot,
            self.revoked_sequence,
        )

    @classmethod
    def from_abi(cls, struct: tuple[Any, ...]) -> ListedMeter:
        """Read a meter from an entry of the event `MetersSet`."""
        asset_id, meter_id, device_id, thumbprint, role, *figures = struct
        return cls(from_bytes32(bytes(asset_id)), meter_id, device_id, bytes(thumbprint), MeterRole(role), *figures)


METER_LEAF_TYPES: Final = (
    "bytes32",
    "string",
    "string",
    "bytes32",
    "uint8",
    "uint64",
    "uint64",
    "uint64",
    "uint64",
    "uint64",
)
"""ABI types of a meter leaf, in the order of `ListedMeter.to_abi`."""


@dataclass(frozen=True)
class Identity:
    """What is known of an account's owner: one entry of the IdentityRegistry."""

    account: str
    """Checksummed address."""
    country: int
    """ISO 3166-1 numeric."""
    investor_class: InvestorClass
    expiry_s: int
    """Verified before it [s UTC]."""


@dataclass(frozen=True)
class ShareIssue:
    """The share of one asset, issued once."""

    asset_id: str
    name: str
    symbol: str
    supply: int
    holder: str
    """First holder of all of it, checksummed address; must be eligible."""
    minimum_class: InvestorClass = InvestorClass.RETAIL
