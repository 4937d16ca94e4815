"""The proof of an asset's statement: everything between a minted token and the device signatures, in one file.

The file is canonical JSON and carries nothing that is not checked, so any changed byte is found. It names its own
signers; whether those are the right ones only an anchor (or the chain) can say.
"""

import base64
import binascii
from dataclasses import dataclass

from contracts.state import Asset, ListedMeter, Project
from oracle.attestation.signer_set import SignerSet
from oracle.errors import ProofError
from oracle.reporting.document import canonical_bytes, from_document, parse_canonical, parse_json, to_document
from oracle.reporting.report import Domain, Report
from oracle.reporting.rules import Rules, rules_from_document
from oracle.reporting.statement import Statement

PROOF_FORMAT = "heliograph-proof/1"
ANCHOR_FORMAT = "heliograph-anchor/1"


@dataclass(frozen=True)
class ProvenStatement:
    """A statement with its path to the report's root."""

    statement: Statement
    path: tuple[bytes, ...]


@dataclass(frozen=True)
class ProvenMeter:
    """A listed meter with its path to the project's meter-list root."""

    meter: ListedMeter
    path: tuple[bytes, ...]


@dataclass(frozen=True)
class ProvenAsset:
    """What the registry says of an asset, with the path to the report's registry hash."""

    asset: Asset
    project: Project
    path: tuple[bytes, ...]
    meters: tuple[ProvenMeter, ...]


@dataclass(frozen=True)
class EvidenceLink:
    """One report's part of an asset's evidence chain."""

    settlement: str
    """Canonical JSON of the asset's settlement at that report's cutoff."""
    envelopes: tuple[str, ...]
    """Envelopes first used in that report: base64 of the signed envelope, ascending by digest."""


@dataclass(frozen=True)
class ProofBody:
    """Members of a proof besides its format and its rules."""

    network: str
    domain: Domain
    signer_set: SignerSet
    report: Report
    signatures: tuple[bytes, ...]
    statements: tuple[ProvenStatement, ...]
    registry: ProvenAsset
    evidence: tuple[EvidenceLink, ...]
    """From the asset's first report to this one."""


@dataclass(frozen=True)
class Proof:
    """A parsed proof: well-formed, nothing checked yet."""

    body: ProofBody
    rules: Rules


@dataclass(frozen=True)
class Anchor:
    """What a verifier trusts beforehand: which signers on which contract of which chain."""

    domain: Domain
    signer_set: SignerSet


def encode_proof(proof: Proof) -> bytes:
    """Write a proof as canonical JSON."""
    return canonical_bytes({"format": PROOF_FORMAT, "rules": proof.rules.document(), **to_document(proof.body)})


def decode_proof(raw: bytes) -> Proof:
    """Read a proof.

    Raises:
        ProofError: it is not canonical, not a proof, or a member is not in its one form.

    """
    document = parse_canonical(raw)
    if not isinstance(document, dict) or document.get("format") != PROOF_FORMAT:
        raise ProofError("document", f"is not a {PROOF_FORMAT}")
    rest = {name: member for name, member in document.items() if name not in ("format", "rules")}
    rules = document.get("rules")
    if not isinstance(rules, dict):
        raise ProofError("document", "rules is not an object")
    try:
        parsed_rules = rules_from_document(rules)
    except Exception as error:
        raise ProofError("rules", str(error)) from error
    return Proof(body=from_document(ProofBody, rest, "proof"), rules=parsed_rules)


def encode_anchor(anchor: Anchor) -> bytes:
    """Write an anchor as canonical JSON."""
    return canonical_bytes({"format": ANCHOR_FORMAT, **to_document(anchor)})


def decode_anchor(raw: bytes) -> Anchor:
    """Read an anchor, in any JSON spelling: it comes from whoever verifies.

    Raises:
        ProofError: it is not an anchor.

    """
    document = parse_json(raw)
    if not isinstance(document, dict) or document.get("format") != ANCHOR_FORMAT:
        raise ProofError("anchor", f"is not a {ANCHOR_FORMAT}")
    return from_document(Anchor, {name: m for name, m in document.items() if name != "format"}, "anchor")


def encode_envelope(wire: bytes) -> str:
    """Write an envelope as base64."""
    return base64.b64encode(wire).decode("ascii")


def decode_envelope(text: str) -> bytes:
    """Read an envelope from base64 in its one form.

    Raises:
        ProofError: the text is not what `encode_envelope` writes.

    """
    try:
        wire = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError) as error:
        raise ProofError("envelopes", f"not base64: {error}") from error
    if encode_envelope(wire) != text:
        raise ProofError("envelopes", "base64 with stray bits")
    return wire
