"""The proof of an asset's statement: everything between a minted token and the device signatures, in one file.

The file is canonical JSON and carries nothing that is not checked, so any changed byte is found. It names its own
signers; whether those are the right ones only an anchor (or the chain) can say.
"""

import base64
import binascii
from dataclasses import dataclass
from typing import Any

from contracts.state import Asset, ListedMeter, Project
from oracle.attestation.signer_set import SignerSet
from oracle.errors import ProofError
from oracle.reporting.document import canonical_bytes, from_document, parse_canonical, parse_json, to_document
from oracle.reporting.report import Domain, Report
from oracle.reporting.rules import Rules, rules_from_document
from oracle.reporting.statement import Statement

PROOF_FORMAT = "heliograph-proof/1"
ANCHOR_FORMAT = "heliograph-anchor/1"
_FOR_CREDITS = ("contracts", "blocks")


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
class Contracts:
    """Contracts whose events and storage tell what was minted and retired."""

    credit: str
    """CarbonCredit, checksummed address."""
    ledger: str
    """MarkLedger, checksummed address."""


@dataclass(frozen=True)
class Anchor:
    """What a verifier trusts beforehand: which signers on which contract of which chain."""

    domain: Domain
    signer_set: SignerSet
    contracts: Contracts | None = None
    """Where credits are minted; needed for credits and retirements only."""
    blocks: tuple[bytes, ...] = ()
    """Hashes of blocks that are known to be of the chain; for credits and retirements."""


def encode_proof(proof: Proof) -> bytes:
    """Write a proof as canonical JSON."""
    return canonical_bytes(proof_document(proof))


def decode_proof(raw: bytes) -> Proof:
    """Read a proof.

    Raises:
        ProofError: it is not canonical, not a proof, or a member is not in its one form.

    """
    return proof_from_document(parse_canonical(raw))


def proof_document(proof: Proof) -> dict[str, Any]:
    """Return a proof as JSON members, as other files carry it."""
    return {"format": PROOF_FORMAT, "rules": proof.rules.document(), **to_document(proof.body)}


def proof_from_document(document: Any) -> Proof:  # noqa: ANN401  it checks whatever it is given
    """Read a proof from JSON members.

    Raises:
        ProofError: it is no proof, or a member is not in its one form.

    """
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
    """Write an anchor as canonical JSON; what only credits need is left out where it is not there."""
    members = {name: member for name, member in to_document(anchor).items() if member or name not in _FOR_CREDITS}
    return canonical_bytes({"format": ANCHOR_FORMAT, **members})


def decode_anchor(raw: bytes) -> Anchor:
    """Read an anchor, in any JSON spelling: it comes from whoever verifies.

    Raises:
        ProofError: it is not an anchor.

    """
    document = parse_json(raw)
    if not isinstance(document, dict) or document.get("format") != ANCHOR_FORMAT:
        raise ProofError("anchor", f"is not a {ANCHOR_FORMAT}")
    members: dict[str, Any] = {"contracts": None, "blocks": [], **document}
    del members["format"]
    return from_document(Anchor, members, "anchor")


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
