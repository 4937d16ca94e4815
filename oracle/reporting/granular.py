"""A file of energy certificates: bundles under the field names of EnergyTag's registry interface, and what they follow from.

Canonical JSON (RFC 8785), `heliograph-certificates/1`. Each file names the one before by its SHA-256, so that a chain of
them shows what was issued so far, and nothing twice. Whoever has the proof that a file names computes its bundles again.

Source of the bundles' fields: EnergyTag, Granular Certificate Registry API Specification, version 2, object "Granular
Certificate Bundle".
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any

from oracle.errors import ReportError
from oracle.reporting.certificates import Bundle, Certifiable, CertificateKey
from oracle.reporting.document import canonical_bytes

FORMAT = "heliograph-certificates/1"
FACE_VALUE_WH = 1


@dataclass(frozen=True)
class Device:
    """A production device, as certificates name it."""

    device_id: str
    """The meter's name in the settlement."""
    name: str
    technology: str
    """Such as "ground-mounted photovoltaic plant"."""
    latitude: float
    longitude: float
    capacity_w: int
    operational_since: date


@dataclass(frozen=True)
class Issuer:
    """Who issues certificates, and for which market; what no meter and no registry knows."""

    issuing_body: str
    country_of_issuance: str
    connected_grid_identification: str
    """The infrastructure that the energy is fed into."""
    issue_market_zone: str
    """Bidding zone, market authority or price node."""
    registry_configuration: int
    """1: the only certificates over the energy; 2, 3: beside other certificates, see the standard."""
    valid_days: int
    """How long after issue a certificate expires [days]."""
    devices: Mapping[str, Device]
    """Production devices by meter, as the settlement names it."""
    legal_status: str | None = None
    issuance_purpose: str | None = None
    support_received: str | None = None
    quality_scheme_reference: str | None = None
    dissemination_level: str | None = None
    """Whether the energy was used on site, or fed into a private or a public grid."""


@dataclass(frozen=True)
class Origin:
    """What certificates follow from."""

    asset_id: str
    project_id: str
    beneficiary: str
    """Account that they are issued to."""
    document_sha256: str
    """SHA-256 of the document that grants the claim right (hex)."""
    chain_id: int
    oracle: str
    epoch: int
    report_digest: str
    """Digest of the report that the energy is attested in (hex)."""
    cutoff_s: int
    interval_ms: int
    """Length of the production interval [ms]."""


@dataclass(frozen=True)
class IssuedBefore:
    """What a chain of files has issued."""

    energy_wh: Mapping[CertificateKey, int]
    """By interval and meter [Wh]."""
    last_sha256: str | None
    """SHA-256 of the newest file (hex); None before the first."""
    origin: Origin | None = None
    """What the newest file follows from."""

    @property
    def total_wh(self) -> int:
        """Sum of it [Wh]."""
        return sum(self.energy_wh.values())


@dataclass(frozen=True)
class Issuance:
    """What is issued, and what it brings to an account."""

    found: Certifiable
    """What can be certified of the asset's energy."""
    before: IssuedBefore
    bundles: Sequence[Bundle]
    """What is newly issued."""


def certificates_file(
    origin: Origin, issuer: Issuer, issuance: Issuance, information: Mapping[str, Any] | None = None
) -> bytes:
    """Write a file of certificates.

    Args:
        origin: what they follow from.
        issuer: who issues them.
        issuance: what is issued.
        information: anything to show beside them that certifies nothing.

    Raises:
        ReportError: a meter has no device.

    """
    found, before = issuance.found, issuance.before
    body = {
        "format": FORMAT,
        "previous_sha256": before.last_sha256,
        "origin": asdict(origin),
        "issuer": issuer.issuing_body,
        "bundles": [_bundle(one, origin, issuer) for one in issuance.bundles],
        "totals": {
            "attested_wh": sum(found.energy_wh.values()) + found.crossing_wh + found.open_wh,
            "certifiable_wh": sum(found.energy_wh.values()),
            "crossing_wh": found.crossing_wh,
            "open_wh": found.open_wh,
            "issued_before_wh": before.total_wh,
            "issued_wh": sum(one.energy_wh for one in issuance.bundles),
        },
        "information": None if information is None else dict(information),
    }
    return canonical_bytes(body)


def _bundle(bundle: Bundle, origin: Origin, issuer: Issuer) -> dict[str, Any]:
    start_ms, meter_id = bundle.key
    issued_at = datetime.fromtimestamp(origin.cutoff_s, UTC).date()
    device = issuer.devices.get(meter_id)
    if device is None:
        raise ReportError(f"meter {meter_id}: the issuer names no production device for it")
    start, end = _time(start_ms), _time(start_ms + origin.interval_ms)
    return {
        "account_id": origin.beneficiary,
        "certificate_bundle_status": "Active",
        "certificate_bundle_id_range_start": bundle.first,
        "certificate_bundle_id_range_end": bundle.first + bundle.energy_wh // FACE_VALUE_WH - 1,
        "bundle_quantity": bundle.energy_wh // FACE_VALUE_WH,
        "issuance_id": f"{origin.asset_id}/{device.device_id}-{start}-{end}",
        "energy_carrier": "electricity",
        "energy_source": "solar_pv",
        "face_value": FACE_VALUE_WH,
        "issuance_post_energy_carrier_conversion": False,
        "registry_configuration": issuer.registry_configuration,
        "device_id": device.device_id,
        "device_name": device.name,
        "device_technology_type": device.technology,
        "device_production_start_date": device.operational_since.isoformat(),
        "device_capacity": device.capacity_w,
        "device_location": [device.latitude, device.longitude],
        "device_type": "production",
        "production_starting_interval": start,
        "production_ending_interval": end,
        "issuance_datestamp": issued_at.isoformat(),
        "expiry_datestamp": (issued_at + timedelta(days=issuer.valid_days)).isoformat(),
        "is_storage": False,
        "storage_device_id": None,
        "sdr_allocation_id": None,
        "discharging_start_datetime": None,
        "discharging_end_datetime": None,
        "storage_device_location": None,
        "storage_efficiency_factor": None,
        "country_of_issuance": issuer.country_of_issuance,
        "connected_grid_identification": issuer.connected_grid_identification,
        "issuing_body": issuer.issuing_body,
        "legal_status": issuer.legal_status,
        "issuance_purpose": issuer.issuance_purpose,
        "support_received": issuer.support_received,
        "quality_scheme_reference": issuer.quality_scheme_reference,
        "dissemination_level": issuer.dissemination_level,
        "issue_market_zone": issuer.issue_market_zone,
        "emissions_factor_production_device": 0,
        "emissions_factor_source": "photovoltaic generation burns no fuel",
    }


def _time(instant_ms: int) -> str:
    moment = datetime.fromtimestamp(0, UTC) + timedelta(milliseconds=instant_ms)
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")
