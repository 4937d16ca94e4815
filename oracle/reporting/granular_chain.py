"""Files of energy certificates, read: a chain added up, and what an issuer said of its own."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import fields, replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

from oracle.errors import ProofError, ReportError
from oracle.reporting.certificates import CertificateKey
from oracle.reporting.document import parse_canonical
from oracle.reporting.granular import FORMAT, Device, IssuedBefore, Issuer, Origin

_NUMBERS = ("chain_id", "epoch", "cutoff_s", "interval_ms")


def read_chain(files: Sequence[bytes]) -> IssuedBefore:
    """Add up what a chain of files has issued, the oldest first.

    Raises:
        ReportError: a file is none, does not follow the one before, is of another asset or interval, or numbers its
            certificates otherwise than on from there.

    """
    issued: dict[CertificateKey, int] = {}
    last: str | None = None
    origin: Origin | None = None
    for number, raw in enumerate(files, 1):
        try:
            document = parse_canonical(raw)
            if document["format"] != FORMAT:
                raise ReportError(f"file {number} of the chain is not a {FORMAT}")
            if document["previous_sha256"] != last:
                raise ReportError(f"file {number} of the chain does not follow the one before")
            named = _origin(document)
            if origin is not None and _what(named) != _what(origin):
                raise ReportError(f"file {number} of the chain is of another asset, contract or interval")
            for bundle in document["bundles"]:
                _count(issued, bundle)
        except ProofError as error:
            raise ReportError(f"file {number} of the chain {error.what}") from error
        except (AttributeError, KeyError, TypeError, ValueError) as error:
            raise ReportError(f"file {number} of the chain is not readable: {error!r}") from error
        last, origin = hashlib.sha256(raw).hexdigest(), named
    return IssuedBefore(issued, last, origin)


def _what(origin: Origin) -> tuple[object, ...]:
    return origin.asset_id, origin.project_id, origin.chain_id, origin.oracle, origin.interval_ms


def _count(issued: dict[CertificateKey, int], bundle: Mapping[str, Any]) -> None:
    start = datetime.fromisoformat(bundle["production_starting_interval"])
    key = CertificateKey((start - datetime.fromtimestamp(0, UTC)) // timedelta(milliseconds=1), bundle["device_id"])
    first, quantity = bundle["certificate_bundle_id_range_start"], bundle["bundle_quantity"]
    if type(first) is not int or type(quantity) is not int or quantity <= 0 or first != issued.get(key, 0):
        raise ReportError(f"{bundle['issuance_id']}: certificates are not numbered on from those before")
    issued[key] = first + quantity


def continues(before: IssuedBefore, origin: Origin) -> None:
    """Make sure that a new file can follow a chain.

    Raises:
        ReportError: the chain is of another asset, contract or interval, or reaches further than the report.

    """
    if before.origin is None:
        return
    if _what(before.origin) != _what(origin):
        raise ReportError("the files before are of another asset, contract or interval")
    if before.origin.epoch > origin.epoch:
        raise ReportError(f"the files before follow from report {before.origin.epoch}, this one from {origin.epoch}")


def _origin(document: Mapping[str, Any]) -> Origin:
    origin = Origin(**document["origin"])
    if not all(type(getattr(origin, name)) is int for name in _NUMBERS):
        raise ValueError("origin holds something that is no whole number")
    return origin


def words_of_issuer(raw: bytes, devices: Mapping[str, Device]) -> tuple[Issuer, Mapping[str, Any] | None]:
    """What the issuer of a file says of its own, and what it shows beside: nothing signed says any of it.

    Args:
        raw: the file.
        devices: production devices by meter, as far as others know them; names and places are taken from the file.

    Raises:
        ReportError: the file is not readable.

    """
    try:
        document = parse_canonical(raw)
        named = {device_id: _named(device, document["bundles"]) for device_id, device in devices.items()}
        said: dict[str, Any] = dict.fromkeys((field.name for field in fields(Issuer)), None) | {"valid_days": 0}
        for bundle in document["bundles"][:1]:
            said |= {name: bundle[name] for name in said if name in bundle}
            valid = date.fromisoformat(bundle["expiry_datestamp"]) - date.fromisoformat(bundle["issuance_datestamp"])
            said["valid_days"] = valid.days
        said |= {"issuing_body": document["issuer"], "devices": named}
        return Issuer(**said), document["information"]
    except ProofError as error:
        raise ReportError(f"the file of certificates {error.what}") from error
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise ReportError(f"the file of certificates is not readable: {error!r}") from error


def _named(device: Device, bundles: Sequence[Mapping[str, Any]]) -> Device:
    for bundle in bundles:
        if bundle["device_id"] == device.device_id:
            latitude, longitude = bundle["device_location"]
            name, technology = bundle["device_name"], bundle["device_technology_type"]
            return replace(device, name=name, technology=technology, latitude=latitude, longitude=longitude)
    return device
