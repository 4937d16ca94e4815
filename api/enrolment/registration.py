"""What the registry must say about a device's key: the entry of a meter list, and the cut of a revoked key."""

from datetime import datetime
from pathlib import Path
from typing import Any

from api.enrolment.files import PRIVATE, EnrolmentError, write_new
from contracts.state import NEVER_REVOKED, ListedMeter, MeterRole
from devices.device_key import Algorithm, SigningKey


def new_device_key(path: Path, alg: Algorithm) -> SigningKey:
    """Make the key that a device signs its readings with, as PKCS #8 PEM.

    Raises:
        EnrolmentError: the file is there already, or cannot be written.

    """
    key = SigningKey.generate(alg)
    write_new(path, key.to_pem().encode("ascii"), PRIVATE)
    return key


def baseline_time_ms(text: str) -> int:
    """Read the instant of a baseline (RFC 3339) as ms UTC.

    Raises:
        EnrolmentError: it is no instant, or has no zone.

    """
    try:
        instant = datetime.fromisoformat(text)
    except ValueError as error:
        raise EnrolmentError(f"--baseline-at {text}: not an instant such as 2026-07-01T00:00:00Z") from error
    if instant.tzinfo is None:
        raise EnrolmentError(f"--baseline-at {text}: the zone is missing, as in 2026-07-01T08:00:00+08:00")
    return round(instant.timestamp() * 1000)


def registration(meter: ListedMeter) -> dict[str, Any]:
    """Return a meter list entry by the names of the registry's fields; bytes are lower-case 0x.

    Raises:
        EnrolmentError: a figure does not fit the registry's 64 bits.

    """
    figures = {
        "nameplate_w": meter.nameplate_w,
        "baseline_wh": meter.baseline_wh,
        "baseline_time_ms": meter.baseline_time_ms,
    }
    for name, figure in figures.items():
        if not 0 <= figure < 2**63:
            raise EnrolmentError(f"{name} {figure} is out of range")
    return {
        "asset_id": meter.asset_id,
        "meter_id": meter.meter_id,
        "device_id": meter.device_id,
        "thumbprint": f"0x{meter.thumbprint.hex()}",
        "role": MeterRole(meter.role).name.lower(),
        **figures,
        "revoked_boot": meter.revoked_boot,
        "revoked_sequence": meter.revoked_sequence,
    }


def revocation(device: str, meter: str, boot: int, sequence: int) -> dict[str, Any]:
    """Return the fields that a revocation changes in the entry of a device and meter.

    The key stays valid for what it signed before (boot, sequence), so figures that were settled stay; nothing from
    there on is accepted, whatever time it claims.

    Raises:
        EnrolmentError: a number is out of range, or would mean that the key is valid.

    """
    for name, number in (("--from-boot", boot), ("--from-sequence", sequence)):
        if not 0 <= number < NEVER_REVOKED:
            raise EnrolmentError(f"{name} {number} is out of range")
    return {"device_id": device, "meter_id": meter, "revoked_boot": boot, "revoked_sequence": sequence}
