"""Energy certificates out of a proof that holds: checked down to the device signatures, then issued by the hour."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from typing import Any

from api.configuration.issuer import IssuerFile
from oracle.attestation.proof import Anchor, Proof, decode_proof
from oracle.attestation.verification import Examined, Step, examine_proof
from oracle.errors import ReportError
from oracle.reporting.asset_settlement import counting_meters
from oracle.reporting.certificates import (
    Bundle,
    certifiable,
    certificate_refusal,
    check_interval,
    newly_issued,
)
from oracle.reporting.granular import Device, Issuance, Origin, certificates_file
from oracle.reporting.granular_chain import continues, read_chain, words_of_issuer
from oracle.reporting.hourly_factors import HourlyFactors
from oracle.reporting.registry import ListedAsset


class RefusedError(ReportError):
    """No certificates may be issued over the asset's energy."""


@dataclass(frozen=True)
class Request:
    """What certificates are asked for."""

    issuer: IssuerFile
    interval_ms: int
    """Length of the production interval [ms]."""
    before: Sequence[bytes] = ()
    """Files issued so far, the oldest first."""
    factors: HourlyFactors | None = None
    """What the grid emitted by the hour, to be shown beside."""


@dataclass(frozen=True)
class Certificates:
    """A file of certificates, and what is in it."""

    raw: bytes
    asset_id: str
    bundles: tuple[Bundle, ...]

    @property
    def issued_wh(self) -> int:
        """What it newly issues [Wh]."""
        return sum(bundle.energy_wh for bundle in self.bundles)


def issue(raw_proof: bytes, anchor: Anchor, request: Request, on_step: Callable[[Step], None]) -> Certificates:
    """Check a proof, and write the certificates that follow from it and were not issued before.

    Raises:
        ProofError: the proof does not hold under the anchor.
        RefusedError: the asset's energy backs another claim, or nothing grants the right.
        ReportError: the interval, the files before or the issuer's devices do not fit.

    """
    proof = decode_proof(raw_proof)
    examined = examine_proof(proof, anchor, on_step)
    origin, issuance = _issuance(proof, examined, request.interval_ms, request.before)
    written = certificates_file(
        origin,
        request.issuer.issuer.to_issuer(_devices(proof, examined, request.issuer)),
        issuance,
        _information(issuance.bundles, request.factors) if request.factors else None,
    )
    return Certificates(written, origin.asset_id, tuple(issuance.bundles))


def check(
    raw_proof: bytes, anchor: Anchor, raw: bytes, before: Sequence[bytes], on_step: Callable[[Step], None]
) -> Certificates:
    """Check a file of certificates against the proof that it follows from: its bundles are those that the proof gives.

    What the issuer adds of its own (names, places, market) is not checked: nothing signed says it.

    Raises:
        ProofError: the proof does not hold under the anchor.
        RefusedError: no certificates may be issued over the energy, or the file certifies something else.
        ReportError: the files before do not fit.

    """
    proof = decode_proof(raw_proof)
    examined = examine_proof(proof, anchor, on_step)
    shown = read_chain([*before, raw]).origin
    if shown is None:
        raise ReportError("there is no file")
    origin, issuance = _issuance(proof, examined, shown.interval_ms, before)
    if shown != origin:
        raise RefusedError("the certificates follow from another report, asset or document than the proof")
    issuer, information = words_of_issuer(raw, _unnamed(proof, examined))
    if certificates_file(origin, issuer, issuance, information) != raw:
        raise RefusedError("the certificates are not those that the proof gives")
    return Certificates(raw, origin.asset_id, tuple(issuance.bundles))


def _issuance(proof: Proof, examined: Examined, interval_ms: int, files: Sequence[bytes]) -> tuple[Origin, Issuance]:
    """What follows from a proof that holds, after the files issued before."""
    check_interval(interval_ms)
    listed = _listed(proof)
    statements = [proven.statement for proven in proof.body.statements]
    refusal = certificate_refusal(listed, proof.rules.terms_of(listed.asset.asset_id), statements)
    if refusal is not None:
        raise RefusedError(f"asset {listed.asset.asset_id}: no certificates: {refusal}")
    origin = _origin(proof, interval_ms)
    before = read_chain(files)
    continues(before, origin)
    found = certifiable(examined.settlement.meters, interval_ms, origin.cutoff_s * 1000)
    bundles = newly_issued(before.energy_wh, found.energy_wh)
    stated_wh = sum(statement.energy_wh.net for statement in statements)
    issued_wh = before.total_wh + sum(bundle.energy_wh for bundle in bundles)
    if issued_wh > stated_wh:
        raise RefusedError(f"asset {origin.asset_id}: {issued_wh} Wh of certificates over {stated_wh} Wh stated")
    return origin, Issuance(found, before, bundles)


def _listed(proof: Proof) -> ListedAsset:
    shown = proof.body.registry
    return ListedAsset(shown.asset, shown.project, tuple(proven.meter for proven in shown.meters))


def _origin(proof: Proof, interval_ms: int) -> Origin:
    body = proof.body
    return Origin(
        asset_id=body.registry.asset.asset_id,
        project_id=body.registry.project.project_id,
        beneficiary=body.registry.asset.beneficiary,
        document_sha256=body.registry.project.document_hash.hex(),
        chain_id=body.domain.chain_id,
        oracle=body.domain.oracle,
        epoch=body.report.epoch,
        report_digest=body.report.digest(body.domain).hex(),
        cutoff_s=body.report.cutoff_s,
        interval_ms=interval_ms,
    )


def _unnamed(proof: Proof, examined: Examined) -> dict[str, Device]:
    """Production devices by the name that the settlement gives their meter, as far as the registry knows them."""
    listed = _listed(proof)
    since = datetime.fromtimestamp(listed.asset.commissioned_s, UTC).date()
    devices = {}
    for meter in counting_meters(listed.meters, proof.rules.terms_of(listed.asset.asset_id).method):
        for name in (meter.meter_id, f"{meter.device_id}/{meter.meter_id}"):
            if name in examined.settlement.meters:
                devices[name] = Device(name, "", "", 0.0, 0.0, meter.nameplate_w, since)
    return devices


def _devices(proof: Proof, examined: Examined, issuer: IssuerFile) -> dict[str, Device]:
    """Production devices as the issuer calls them, by meter."""
    known = _unnamed(proof, examined)
    return {
        entry.meter: replace(known[entry.meter], **entry.model_dump(exclude={"meter"}))
        for entry in issuer.device
        if entry.meter in known
    }


def _information(bundles: Sequence[Bundle], factors: HourlyFactors) -> Mapping[str, Any]:
    """What the grid emitted in the hours of the certificates; no claim of its own."""
    by_start: dict[int, int] = {}
    for bundle in bundles:
        by_start[bundle.key.start_ms] = by_start.get(bundle.key.start_ms, 0) + bundle.energy_wh
    grams, of_wh = factors.grams_down(by_start)
    described = {name: str(member) for name, member in asdict(factors).items() if name != "g_per_mwh"}
    return {"grid_emissions_g": grams, "of_wh": of_wh, "factors": described, "note": "for information: no credit"}
