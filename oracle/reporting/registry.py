"""The registry at one block, as a hash: who may sign for which meter, and what each asset is allowed.

`registry_hash` is a StandardMerkleTree root with one leaf an asset. A leaf carries its project's meter-list root, and
that is a StandardMerkleTree root with one leaf a meter. So a report binds every key thumbprint, and a proof shows one
asset's part of it.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property

from contracts.state import METER_LEAF_TYPES, Asset, ListedMeter, Project, to_bytes32
from devices.telemetry import Envelope
from oracle.errors import ReportError
from oracle.reporting.merkle import StandardMerkleTree, leaf_hash

ASSET_TYPES = (
    "bytes32", "bytes32", "bytes32", "address", "uint64", "uint64", "int32", "uint64", "uint64", "uint32", "uint8",
    "address", "bytes32", "uint8", "bytes32", "uint8",
)  # fmt: skip
NO_METERS = bytes(32)


def meter_leaf(meter: ListedMeter) -> bytes:
    """Leaf hash of one listed meter (32 bytes)."""
    return leaf_hash(METER_LEAF_TYPES, meter.to_abi())


def meters_tree(meters: Iterable[ListedMeter]) -> StandardMerkleTree:
    """Tree over a project's meter list."""
    return StandardMerkleTree(tuple(meter_leaf(meter) for meter in meters))


def meters_root(meters: Sequence[ListedMeter]) -> bytes:
    """Root over a project's meter list; 32 zero bytes for an empty one."""
    return meters_tree(meters).root if meters else NO_METERS


def asset_leaf(asset: Asset, project: Project) -> bytes:
    """Leaf hash of one asset with the terms of its project (32 bytes)."""
    return leaf_hash(
        ASSET_TYPES,
        (
            to_bytes32(asset.asset_id),
            to_bytes32(project.project_id),
            project.meters_root,
            asset.beneficiary,
            asset.nameplate_w,
            asset.commissioned_s,
            asset.utc_offset_s,
            asset.factor_ceiling_g_per_mwh,
            asset.tariff_ceiling_minor_per_mwh,
            asset.capacity_factor_ceiling_ppm,
            int(asset.status),
            project.currency,
            project.methodology,
            int(project.claim_right),
            project.document_hash,
            int(project.assurance),
        ),
    )


class Objection(StrEnum):
    """Why an envelope is not entitled to speak for its meter."""

    UNKNOWN_DEVICE = "unknown_device"
    """The registry lists no such device and meter."""
    UNLISTED_KEY = "unlisted_key"
    """The registry lists another key for this device and meter."""
    REVOKED_KEY = "revoked_key"
    """The key was revoked from this envelope's first sequence or an earlier one on."""


@dataclass(frozen=True)
class ListedAsset:
    """What the registry says of one asset."""

    asset: Asset
    project: Project
    meters: Sequence[ListedMeter]
    """Its meters, in the order of the project's list."""


@dataclass(frozen=True)
class RegistrySnapshot:
    """Everything the registry says at one block."""

    block: int
    projects: Mapping[str, Project]
    """By project id."""
    assets: Mapping[str, Asset]
    """By asset id."""
    meters: Mapping[str, tuple[ListedMeter, ...]]
    """By project id, in the order of the list."""

    @cached_property
    def tree(self) -> StandardMerkleTree:
        """Tree over the assets; `tree.root` is the report's `registryHash`."""
        return StandardMerkleTree(
            tuple(asset_leaf(asset, self.projects[asset.project_id]) for asset in self.assets.values())
        )

    @cached_property
    def meters_by_device(self) -> Mapping[tuple[str, str], ListedMeter]:
        """Listed meters by (device id, meter id)."""
        return {(meter.device_id, meter.meter_id): meter for listed in self.meters.values() for meter in listed}

    def objection(self, envelope: Envelope) -> tuple[Objection, str] | None:
        """Say why an envelope is not entitled to speak for its meter, in a code and in words; None if it is."""
        listed = self.meters_by_device.get((envelope.device, envelope.meter))
        if listed is None:
            return Objection.UNKNOWN_DEVICE, f"device {envelope.device} with meter {envelope.meter} is not listed"
        if listed.thumbprint != envelope.public_key.thumbprint:
            return Objection.UNLISTED_KEY, f"device {envelope.device} signed with a key that is not listed for it"
        if (envelope.boot, envelope.first_sequence) >= (listed.revoked_boot, listed.revoked_sequence):
            since = f"boot epoch {listed.revoked_boot}, sequence {listed.revoked_sequence}"
            return Objection.REVOKED_KEY, f"the key of {envelope.device} is revoked from {since} on"
        return None

    def meters_of(self, asset_id: str) -> tuple[ListedMeter, ...]:
        """Meters of one asset, in the order of its project's list."""
        listed = self.meters.get(self.assets[asset_id].project_id, ())
        return tuple(meter for meter in listed if meter.asset_id == asset_id)

    def listed(self, asset_id: str) -> ListedAsset:
        """One asset with its project and its meters."""
        asset = self.assets[asset_id]
        return ListedAsset(asset, self.projects[asset.project_id], self.meters_of(asset_id))

    def check(self) -> None:
        """Make sure that it is clear whose readings are whose.

        Raises:
            ReportError: a device and meter are listed twice.

        """
        if len(self.meters_by_device) != sum(len(listed) for listed in self.meters.values()):
            raise ReportError("the registry lists one device and meter more than once")
