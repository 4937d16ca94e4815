"""From a statement down to the device signatures: every step of a proof, checked without asking anyone.

Accepts a proof only if, in this order,
  - addresses: each is in its one form, so that no letter can change its case unseen;
  - quorum: exactly k distinct signers of the named set signed the report for the named contract and chain;
  - statements: each is a leaf under the report's root, and all are of one asset;
  - registry: the asset, its project and its meters are what the report's registry hash says;
  - rules: factors, tariffs and method are what the report's rules digest says;
  - envelopes: there is at least one; each is well-formed, signed by the key that it names, and there once;
  - evidence: envelopes and settlements hash to the statements' evidence root;
  - settlement: settling the envelopes of the listed meters and keys again gives the last settlement, and the settlements of all
    reports, one after the other, give the statements;
  - anchor: the named signers, contract and chain are the trusted ones. Without an anchor this step is left open.
"""

from collections.abc import Callable, Generator, Mapping
from dataclasses import dataclass

from devices.telemetry import Envelope, TelemetryError, decode, verify_signature
from oracle.attestation.proof import Anchor, EvidenceLink, Proof, ProofBody, decode_envelope
from oracle.attestation.quorum import AttestedReport, check_quorum
from oracle.attestation.signature import is_checksummed
from oracle.errors import ConfigError, OracleError, ProofError, ReportError
from oracle.reporting.advance import Settled, advance
from oracle.reporting.asset_settlement import AssetSettlement, settle_asset, signs_for
from oracle.reporting.document import canonical_bytes, parse_canonical
from oracle.reporting.evidence import next_evidence_root
from oracle.reporting.merkle import root_from_proof
from oracle.reporting.registry import ListedAsset, asset_leaf, meter_leaf
from oracle.reporting.rules import Rules
from oracle.reporting.statement import NO_EVIDENCE, Statement

STEPS = ("quorum", "statements", "registry", "rules", "envelopes", "evidence", "settlement", "anchor")
"""Names of the steps, in order."""


@dataclass(frozen=True)
class Step:
    """One step of a verification that held."""

    name: str
    finding: str
    """What was found, in one plain line."""


OnStep = Callable[[Step], None]


@dataclass(frozen=True, eq=False)
class Examined:
    """A proof that holds, and what was computed on the way."""

    steps: tuple[Step, ...]
    """The steps that held, in order."""
    envelopes: tuple[Envelope, ...]
    """All envelopes behind the asset's statements, in the order of the reports that first used them."""
    settlement: AssetSettlement
    """What they come to at the report's cutoff."""
    history: tuple[Mapping[int, Statement], ...]
    """The asset's statements by vintage after each report of its evidence chain; the last are the proven ones."""


def verify_proof(proof: Proof, anchor: Anchor | None, on_step: OnStep = lambda _: None) -> list[Step]:
    """Check a proof, and return the steps that held: `examine_proof` without what it found."""
    return list(examine_proof(proof, anchor, on_step).steps)


def examine_proof(proof: Proof, anchor: Anchor | None, on_step: OnStep = lambda _: None) -> Examined:
    """Check a proof, and keep what was computed on the way.

    Args:
        proof: a decoded proof.
        anchor: trusted signers, contract and chain; None leaves the proof unanchored (no "anchor" step is returned).
        on_step: told of each step as it holds.

    Raises:
        ProofError: a step does not hold; it names the step and what is wrong.

    """
    held: list[Step] = []
    course = _course(proof, anchor)
    while True:
        try:
            step = next(course)
        except StopIteration as end:
            envelopes, settlement, history = end.value
            return Examined(tuple(held), tuple(envelopes), settlement, tuple(history))
        except ProofError:
            raise
        except (OracleError, ArithmeticError, TypeError, ValueError) as error:  # a number or name that nothing can hold
            raise ProofError(STEPS[len(held)], str(error)) from error
        held.append(step)
        on_step(step)


def _course(
    proof: Proof, anchor: Anchor | None
) -> Generator[Step, None, tuple[list[Envelope], AssetSettlement, list[dict[int, Statement]]]]:
    body = proof.body
    _check_addresses(body)
    yield Step("quorum", _check_signatures(body))
    yield Step("statements", _check_statements(body))
    yield Step("registry", _check_registry(body))
    yield Step("rules", _check_rules(proof))
    links = [_check_envelopes(body, link) for link in body.evidence]
    envelopes = [envelope for link in links for envelope in link]
    yield Step("envelopes", _check_all_envelopes(body, envelopes))
    settled = _settle(body, proof.rules, envelopes)
    walked = _check_evidence(body, links, settled)
    yield Step("evidence", f"{len(links)} reports' evidence hashes to the statements' evidence root")
    history = _advanced(body, walked)
    refused = settled.settled.credit_refusal
    why = f"; no credits: {refused}" if refused else ""
    yield Step("settlement", _check_settlement(body, history[-1]) + why)
    if anchor is not None:
        yield Step("anchor", check_anchor(body, anchor))
    return envelopes, settled, history


def _check_addresses(body: ProofBody) -> None:
    for address in (body.domain.oracle, body.registry.asset.beneficiary, body.registry.project.currency):
        if not is_checksummed(address):
            raise ProofError("document", f"{address!r} is not a checksummed address")


def _check_signatures(body: ProofBody) -> str:
    try:
        signers = check_quorum(AttestedReport(body.report, body.signatures), body.domain, body.signer_set)
    except ReportError as error:
        raise ProofError("quorum", str(error)) from error
    return (
        f"report {body.report.epoch} signed by {len(signers)} of {len(body.signer_set.signers)} for contract"
        f" {body.domain.oracle} on chain {body.domain.chain_id}"
    )


def _check_statements(body: ProofBody) -> str:
    if not body.statements:
        raise ProofError("statements", "there are none")
    named = {proven.statement.asset_id for proven in body.statements}
    if named != {body.registry.asset.asset_id}:
        raise ProofError("statements", "a statement is of another asset than the registry entry")
    vintages = [proven.statement.vintage for proven in body.statements]
    if vintages != sorted(set(vintages)):
        raise ProofError("statements", "vintages are not ascending")
    for proven in body.statements:
        if root_from_proof(proven.statement.leaf, proven.path) != body.report.root:
            raise ProofError("statements", f"vintage {proven.statement.vintage} is not under the report's root")
        if proven.statement.cutoff_s != body.report.cutoff_s:
            raise ProofError("statements", f"vintage {proven.statement.vintage} has another cutoff than the report")
    return f"asset {body.registry.asset.asset_id}, vintages {', '.join(map(str, vintages))}, under the report's root"


def _check_registry(body: ProofBody) -> str:
    entry = body.registry
    if entry.asset.project_id != entry.project.project_id:
        raise ProofError("registry", "the asset belongs to another project")
    if root_from_proof(asset_leaf(entry.asset, entry.project), entry.path) != body.report.registry_hash:
        raise ProofError("registry", "the asset is not what the report's registry hash says")
    for proven in entry.meters:
        if proven.meter.asset_id != entry.asset.asset_id:
            raise ProofError("registry", f"meter {proven.meter.meter_id} is of another asset")
        if root_from_proof(meter_leaf(proven.meter), proven.path) != entry.project.meters_root:
            raise ProofError("registry", f"meter {proven.meter.meter_id} is not in the project's meter list")
    devices = [(proven.meter.device_id, proven.meter.meter_id) for proven in entry.meters]
    if len(set(devices)) != len(devices):
        raise ProofError("registry", "a meter is shown twice")
    return f"{len(devices)} meters listed for the asset at block {body.report.registry_block}"


def _check_rules(proof: Proof) -> str:
    if proof.rules.digest != proof.body.report.rules_digest:
        raise ProofError("rules", "factors, tariffs or method are not what the report's rules digest says")
    try:
        terms = proof.rules.terms_of(proof.body.registry.asset.asset_id)
    except ConfigError as error:
        raise ProofError("rules", str(error)) from error
    factor = f"{terms.factor.g_per_mwh} gCO2e/MWh ({terms.factor.source})" if terms.factor else "no credits"
    return f"factor {factor}; tariff {terms.tariff.minor_per_mwh} minor units/MWh ({terms.tariff.source})"


def _check_envelopes(body: ProofBody, link: EvidenceLink) -> list[Envelope]:
    envelopes = []
    for text in link.envelopes:
        try:
            envelope = decode(decode_envelope(text), network=body.network)
            verify_signature(envelope)
        except TelemetryError as error:
            raise ProofError("envelopes", f"{error.reason}: {error.detail}") from error
        envelopes.append(envelope)
    digests = [envelope.digest for envelope in envelopes]
    if digests != sorted(set(digests)):
        raise ProofError("envelopes", "envelopes of one report are not ascending by digest")
    return envelopes


def _check_all_envelopes(body: ProofBody, envelopes: list[Envelope]) -> str:
    if not envelopes:
        raise ProofError(
            "envelopes", "there are none: nothing was ever read of this asset, so there is nothing to prove"
        )
    if len({envelope.digest for envelope in envelopes}) != len(envelopes):
        raise ProofError("envelopes", "an envelope is shown twice")
    readings = sum(len(envelope.readings.time_ms) for envelope in envelopes)
    listed = [proven.meter for proven in body.registry.meters]
    counting = sum(any(signs_for(envelope, meter) for meter in listed) for envelope in envelopes)
    return f"{len(envelopes)} signed envelopes with {readings} readings, {counting} by the key listed for their meter"


def listed_asset(body: ProofBody) -> ListedAsset:
    """Return what a proof shows of the registry, as settlement takes it."""
    shown = body.registry
    return ListedAsset(shown.asset, shown.project, tuple(proven.meter for proven in shown.meters))


def _settle(body: ProofBody, rules: Rules, envelopes: list[Envelope]) -> AssetSettlement:
    try:
        return settle_asset(listed_asset(body), envelopes, rules, body.report.cutoff_s)
    except ConfigError as error:
        raise ProofError("settlement", str(error)) from error


def _check_evidence(
    body: ProofBody, links: list[list[Envelope]], settled: AssetSettlement
) -> list[tuple[Settled, bytes]]:
    """Walk the evidence chain; return each report's settlement with the evidence root up to it."""
    root = NO_EVIDENCE
    walked = []
    for link, envelopes in zip(body.evidence, links, strict=True):
        settlement = parse_canonical(link.settlement.encode())
        if not isinstance(settlement, dict):
            raise ProofError("evidence", "a settlement is not an object")
        root = next_evidence_root(root, [envelope.digest for envelope in envelopes], settlement)
        walked.append((Settled.from_members(settlement), root))
    for proven in body.statements:
        if proven.statement.evidence_root != root:
            raise ProofError("evidence", f"vintage {proven.statement.vintage} rests on other evidence")
    if body.evidence[-1].settlement != canonical_bytes(settled.document).decode():
        raise ProofError("settlement", "the last settlement is not what the signed registers give")
    return walked


def _advanced(body: ProofBody, walked: list[tuple[Settled, bytes]]) -> list[dict[int, Statement]]:
    """Advance from nothing through every settlement; return the statements by vintage after each."""
    asset = body.registry.asset
    history: list[dict[int, Statement]] = []
    for settled, root in walked:
        before = history[-1] if history else {}
        history.append(advance(asset.asset_id, asset.utc_offset_s, before, settled, root))
    return history


def _check_settlement(body: ProofBody, again: Mapping[int, Statement]) -> str:
    """Compare what the settlements give, one after the other, with what is stated."""
    stated = {proven.statement.vintage: proven.statement for proven in body.statements}
    if missing := again.keys() - stated.keys():
        raise ProofError("settlement", f"no statement of vintage {min(missing)} is shown")
    for vintage, statement in stated.items():
        if statement != again.get(vintage):
            raise ProofError(
                "settlement", f"vintage {vintage}: stated {statement}, the readings give {again.get(vintage)}"
            )
    energy_wh = sum(statement.energy_wh.net for statement in stated.values())
    credits_g = sum(statement.credits_g.net for statement in stated.values())
    return f"the signed registers give {energy_wh} Wh and {credits_g} gCO2e, as stated"


def check_anchor(body: ProofBody, anchor: Anchor) -> str:
    """Hold a proof's contract, chain and signers against the trusted ones; return what was found.

    Raises:
        ProofError: they are others.

    """
    if body.domain != anchor.domain:
        raise ProofError("anchor", "the proof is of another contract or chain than the trusted one")
    if body.signer_set != anchor.signer_set:
        raise ProofError("anchor", "the report is signed by others than the trusted signers")
    return f"{anchor.signer_set.threshold} of {len(anchor.signer_set.signers)} trusted signers"
