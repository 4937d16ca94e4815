"""Whether an asset's energy may become credits: the project's right, its document, its methodology, its size.

Checked in the order of `Refusal`; the first that applies is written into the settlement, so that every reader of a proof
sees why an asset gets no grams. A refusal stops nothing else: energy and revenue are stated as before.
"""

from enum import StrEnum

from contracts.state import ClaimRight
from oracle.reporting.registry import ListedAsset
from oracle.reporting.terms import AssetTerms

NO_DOCUMENT = bytes(32)


class Refusal(StrEnum):
    """Why an asset gets no credits."""

    NO_RIGHT = "no_right"
    """Nobody has assigned the claim on its energy to the project."""
    CERTIFICATE_RIGHT = "certificate_right"
    """Its energy backs energy certificates: the same watt-hour backs one claim."""
    NO_DOCUMENT = "no_document"
    """The registry names no document that grants the right."""
    OTHER_DOCUMENT = "other_document"
    """The registry names another document than the rules."""
    OTHER_METHODOLOGY = "other_methodology"
    """The registry names another methodology than the rules."""
    TOO_LARGE = "too_large"
    """The plant is larger than the methodology is for."""
    NO_FACTOR = "no_factor"
    """The rules name no factor for it."""


def credit_refusal(listed: ListedAsset, terms: AssetTerms) -> Refusal | None:
    """Say why an asset gets no credits; None where it does."""
    project, method = listed.project, terms.method
    if project.claim_right is ClaimRight.CERTIFICATE:
        return Refusal.CERTIFICATE_RIGHT
    if project.claim_right is not ClaimRight.CREDIT:
        return Refusal.NO_RIGHT
    if refusal := document_refusal(listed, terms):
        return refusal
    if project.methodology != method.on_chain:
        return Refusal.OTHER_METHODOLOGY
    if method.largest_w is not None and listed.asset.nameplate_w > method.largest_w:
        return Refusal.TOO_LARGE
    return Refusal.NO_FACTOR if terms.factor is None else None


def document_refusal(listed: ListedAsset, terms: AssetTerms) -> Refusal | None:
    """Say what is wrong with the document behind a claim right; None if nothing is."""
    document = listed.project.document_hash
    if document == NO_DOCUMENT:
        return Refusal.NO_DOCUMENT
    if terms.document_sha256 is not None and document != bytes.fromhex(terms.document_sha256):
        return Refusal.OTHER_DOCUMENT
    return None
