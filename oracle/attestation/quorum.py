"""k of n signatures over one report."""

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import pairwise

from oracle.attestation.signature import recover_signer
from oracle.attestation.signer_set import SignerSet
from oracle.errors import ReportError
from oracle.reporting.report import Domain, Report


@dataclass(frozen=True)
class Attestation:
    """One node's signature over one report."""

    epoch: int
    digest: bytes
    signer: str
    signature: bytes


@dataclass(frozen=True)
class AttestedReport:
    """A report with its quorum."""

    report: Report
    signatures: tuple[bytes, ...]
    """Exactly as many as the threshold, ascending by signer: one canonical form."""

    @property
    def packed_signatures(self) -> bytes:
        """Signatures as the contract takes them: 65 bytes each, one after the other."""
        return b"".join(self.signatures)


def assemble(
    report: Report, domain: Domain, signer_set: SignerSet, attestations: Iterable[Attestation]
) -> AttestedReport:
    """Join attestations to an attested report; signatures of strangers, of other reports and repeated ones do not count.

    Raises:
        ReportError: fewer than the threshold of distinct signers attest.

    """
    digest = report.digest(domain)
    by_signer: dict[str, bytes] = {}
    for attestation in attestations:
        try:
            signer = recover_signer(digest, attestation.signature)
        except ReportError:
            continue
        if signer in signer_set.signers:
            by_signer[signer] = attestation.signature
    if len(by_signer) < signer_set.threshold:
        raise ReportError(f"epoch {report.epoch}: {len(by_signer)} of {signer_set.threshold} signatures needed")
    chosen = sorted(by_signer, key=str.lower)[: signer_set.threshold]
    return AttestedReport(report, tuple(by_signer[signer] for signer in chosen))


def check_quorum(attested: AttestedReport, domain: Domain, signer_set: SignerSet) -> tuple[str, ...]:
    """Hold an attested report against a signer set, by the contract's rules.

    Accepts only if
      - the report names the configuration of exactly these signers on this contract and chain;
      - there are exactly as many signatures as the threshold;
      - each is well-formed, with a low s;
      - their signers are in the set and strictly ascending, so that none counts twice.

    Returns:
        The signers, ascending.

    Raises:
        ReportError: one of the rules above is broken; the message says which.

    """
    if attested.report.config_digest != signer_set.config_digest(domain):
        raise ReportError("the report names another signer set, contract or chain")
    if len(attested.signatures) != signer_set.threshold:
        raise ReportError(f"{len(attested.signatures)} signatures, the quorum is {signer_set.threshold}")
    digest = attested.report.digest(domain)
    signers = tuple(recover_signer(digest, signature) for signature in attested.signatures)
    for signer in signers:
        if signer not in signer_set.signers:
            raise ReportError(f"{signer} signed, but is not in the signer set")
    if any(one.lower() >= other.lower() for one, other in pairwise(signers)):
        raise ReportError("signers are not strictly ascending")
    return signers
