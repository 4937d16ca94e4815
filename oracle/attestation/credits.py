"""From a range of credits, or a retirement, down to the device signatures, in one file.

    certificate ─▶ retirement ─▶ serial numbers ─▶ issues ─▶ marks ─▶ statements ─▶ proof of each asset, down to its devices
                   └── storage of CarbonCredit ─┘  └── event logs ──┘

Nothing of it is checked here: see `credit_verification`.
"""

from dataclasses import dataclass

from contracts.state import Asset, Project
from oracle.attestation.block import ProvenBlock
from oracle.attestation.credit_storage import Retirement
from oracle.attestation.proof import Contracts, Proof, proof_document, proof_from_document
from oracle.errors import ProofError
from oracle.reporting.document import canonical_bytes, from_document, parse_canonical, to_document

CREDITS_FORMAT = "heliograph-credits/1"


@dataclass(frozen=True)
class Portion:
    """Serial numbers of a range that one mark of one asset minted."""

    asset_id: str
    first_serial: int
    last_serial: int
    block: int
    """In which they were minted."""
    epoch: int
    """Report that they were minted from."""


@dataclass(frozen=True)
class CreditRange:
    """Credits of a project's vintage, by serial number, or those of a retirement."""

    project_id: str
    vintage: int
    first_serial: int
    """From 1."""
    last_serial: int
    portions: tuple[Portion, ...]
    """Ascending; they adjoin, and together they are the range."""
    retirement: Retirement | None
    """Whose credits these are, if they were retired."""


@dataclass(frozen=True)
class ProvenMember:
    """An asset of the project which an issue of the range minted for too, with its path to the registry hash."""

    asset: Asset
    project: Project
    path: tuple[bytes, ...]


@dataclass(frozen=True)
class CreditsBody:
    """Members of a file besides its format and its proofs."""

    credits: CreditRange
    contracts: Contracts
    blocks: tuple[ProvenBlock, ...]
    """Every block with an issue of the id, ascending; the last one shows storage, and may have no issue."""
    members: tuple[ProvenMember, ...]
    """By asset id, under the registry hash of the newest report; none that has a proof."""


@dataclass(frozen=True)
class ProvenCredits:
    """A parsed file: well-formed, nothing checked yet."""

    body: CreditsBody
    proofs: tuple[Proof, ...]
    """One an asset with a portion, by asset id, of the report that its last portion was minted from."""


def encode_credits(proven: ProvenCredits) -> bytes:
    """Write a range of credits as canonical JSON."""
    proofs = [proof_document(proof) for proof in proven.proofs]
    return canonical_bytes({"format": CREDITS_FORMAT, "proofs": proofs, **to_document(proven.body)})


def decode_credits(raw: bytes) -> ProvenCredits:
    """Read a range of credits.

    Raises:
        ProofError: it is not canonical, not such a file, or a member is not in its one form.

    """
    document = parse_canonical(raw)
    if not isinstance(document, dict) or document.get("format") != CREDITS_FORMAT:
        raise ProofError("document", f"is not a {CREDITS_FORMAT}")
    rest = {name: member for name, member in document.items() if name not in ("format", "proofs")}
    proofs = document.get("proofs")
    if not isinstance(proofs, list):
        raise ProofError("document", "proofs is not a list")
    return ProvenCredits(
        from_document(CreditsBody, rest, "credits"), tuple(proof_from_document(proof) for proof in proofs)
    )
