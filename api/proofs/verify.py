"""A proof held against what the verifier trusts: an anchor, an address book, a chain node, or nothing."""

from dataclasses import dataclass
from enum import Enum
from pathlib import Path

from api.proofs.chain import check_blocks, check_report
from api.proofs.findings import credit_lines, missing_lines, period_lines, statement_lines
from contracts.address_book import AddressBook
from oracle.attestation.credit_verification import examine_credits
from oracle.attestation.credits import CREDITS_FORMAT, ProvenCredits, decode_credits
from oracle.attestation.period import PERIOD_FORMAT, decode_period, examine_period, period_of
from oracle.attestation.proof import Anchor, Contracts, Proof, decode_anchor, decode_proof
from oracle.attestation.verification import OnStep, Step, check_anchor, examine_proof
from oracle.errors import ConfigError, ProofError
from oracle.reporting.document import parse_json

Trust = Anchor | AddressBook


class Ground(Enum):
    """What a proof that holds rests on."""

    ANCHORED = "signers or contract are those that the verifier trusts"
    OWN_WORD = "the report stands on a chain, in the contract that the proof itself names"
    UNANCHORED = "nothing but itself"


@dataclass(frozen=True)
class Verified:
    """A proof that holds."""

    ground: Ground
    findings: tuple[str, ...]
    """What is proven, one plain line each."""
    conclusion: str
    """The last line."""
    missing: tuple[str, ...] = ()
    """What devices signed and this file does not show, one plain line each."""


def holds_archive(path: Path) -> bool:
    """Whether a file is Parquet, and so an archive rather than a proof. Raises OSError if it cannot be read."""
    if path.exists() and not path.is_file():
        return False  # a pipe can be read once only
    with path.open("rb") as file:
        return file.read(4) == b"PAR1"


def read_trust(path: Path, *, with_rpc: bool) -> Trust:
    """Read what a verifier trusts: an anchor, or (where a chain node is asked too) an address book.

    Raises:
        OSError: the file cannot be read.
        ConfigError: it is neither, or an address book without a chain node.

    """
    raw = path.read_bytes()
    try:
        document = parse_json(raw)
        if not (isinstance(document, dict) and "addresses" in document):
            return decode_anchor(raw)
        book = AddressBook.from_json(raw.decode("utf-8"))
    except (ProofError, ValueError) as error:
        raise ConfigError(f"{path}: {error}") from error
    if not with_rpc:
        raise ConfigError(
            f"{path}: an address book names no signers: ask a chain node too, with --rpc, or use an anchor"
        )
    return book


def verify_file(
    raw: bytes, trust: Trust | None, rpc_url: str | None, on_step: OnStep, interval_ms: int | None = None
) -> Verified:
    """Verify a proof of statements, a period, or credits; `on_step` is told of each step that holds.

    Args:
        raw: the file.
        trust: what the verifier trusts.
        rpc_url: a chain node to ask.
        on_step: told of each step as it holds.
        interval_ms: start of a ledger interval [ms UTC]: say what is booked in it.

    Raises:
        ProofError: a step does not hold.
        ConfigError: the interval begins at no ledger interval, or the file is of credits, which have none.
        ChainError: the chain node cannot be asked.

    """
    document = parse_json(raw)
    kind = document.get("format") if isinstance(document, dict) else None
    if kind == CREDITS_FORMAT:
        if interval_ms is not None:
            raise ConfigError("--interval is for proofs of statements and of periods, not for credits")
        return _verify_credits(raw, trust, rpc_url, on_step)
    anchor = trust if isinstance(trust, Anchor) else None
    if kind == PERIOD_FORMAT:
        proven = decode_period(raw)
        _tell_document(raw, on_step)
        proof, examined = proven.proof, examine_period(proven, anchor, on_step)
        findings = period_lines(proven.period)
    else:
        proof = decode_proof(raw)
        _tell_document(raw, on_step)
        examined = examine_proof(proof, anchor, on_step)
        findings = statement_lines(proof)
    if interval_ms is not None:
        length_ms = proof.rules.ledger_interval_ms
        if interval_ms % length_ms:
            raise ConfigError(f"no ledger interval begins there: they are {length_ms} ms long, counted from 1970")
        findings = period_lines(period_of(examined.settlement, length_ms, interval_ms, interval_ms + length_ms))
    if isinstance(trust, AddressBook):
        on_step(Step("anchor", _check_book(proof, trust)))
    if rpc_url is not None:
        on_step(Step("chain", check_report(proof, rpc_url)))
    ground, conclusion = _conclude(proof, trust, rpc_url)
    return Verified(ground, tuple(findings), conclusion, tuple(missing_lines(examined.envelopes)))


def _tell_document(raw: bytes, on_step: OnStep) -> None:
    on_step(Step("document", f"canonical JSON, {len(raw)} bytes"))


def _verify_credits(raw: bytes, trust: Trust | None, rpc_url: str | None, on_step: OnStep) -> Verified:
    proven = decode_credits(raw)
    _tell_document(raw, on_step)
    examined = examine_credits(proven, on_step)
    domain, blocks = proven.proofs[0].body.domain, proven.body.blocks
    if trust is not None:
        on_step(Step("anchor", _check_trust(proven, trust)))
    on_chain = isinstance(trust, Anchor) and {block.block_hash for block in blocks} <= set(trust.blocks)
    if rpc_url is not None:
        # The blocks say what was minted; that these reports are what it was minted from, only their publication says.
        for proof in proven.proofs:
            on_step(Step("chain", check_report(proof, rpc_url)))
        on_step(Step("chain", check_blocks(blocks, domain, rpc_url)))
        on_chain = True
    elif on_chain:
        on_step(Step("chain", f"all {len(blocks)} blocks are trusted ones"))
    ground, conclusion = _conclude_credits(proven, trust, on_chain=on_chain)
    missing = missing_lines([envelope for one in examined.values() for envelope in one.envelopes])
    return Verified(ground, tuple(credit_lines(proven.body.credits)), conclusion, tuple(missing))


def _check_trust(proven: ProvenCredits, trust: Trust) -> str:
    """Hold signers, contracts and chain of a range of credits against the trusted ones."""
    findings = [
        _check_book(proof, trust) if isinstance(trust, AddressBook) else check_anchor(proof.body, trust)
        for proof in proven.proofs
    ]
    trusted, shown = _trusted_contracts(trust), proven.body.contracts
    if trusted is not None and shown != trusted:
        raise ProofError(
            "anchor",
            f"the credits are of {shown.credit}, settled by {shown.ledger}; trusted are {trusted.credit}, {trusted.ledger}",
        )
    return findings[0]


def _trusted_contracts(trust: Trust | None) -> Contracts | None:
    if isinstance(trust, AddressBook):
        return Contracts(trust.addresses["CarbonCredit"], trust.addresses["MarkLedger"])
    return None if trust is None else trust.contracts


def _conclude_credits(proven: ProvenCredits, trust: Trust | None, *, on_chain: bool) -> tuple[Ground, str]:
    if on_chain and _trusted_contracts(trust) is not None:
        return Ground.ANCHORED, "VERIFIED"
    if on_chain:
        shown, oracle = proven.body.contracts, proven.proofs[0].body.domain.oracle
        return Ground.OWN_WORD, (
            f"VERIFIED against the contracts {shown.credit}, {shown.ledger} and {oracle}, which are the file's own word:"
            " compare them with a published address book"
        )
    signers = "the signers are the trusted ones, but " if trust is not None else ""
    return Ground.UNANCHORED, (
        f"UNANCHORED: the file holds together; {signers}that its blocks are of the chain is the exporter's word: use --rpc,"
        " or an anchor that names contracts and blocks"
    )


def _conclude(proof: Proof, trust: Trust | None, rpc_url: str | None) -> tuple[Ground, str]:
    if trust is not None:
        return Ground.ANCHORED, "VERIFIED"
    if rpc_url is not None:
        domain = proof.body.domain
        return Ground.OWN_WORD, (
            f"VERIFIED against contract {domain.oracle} on chain {domain.chain_id}, which is the proof's own word:"
            " compare it with a published address book"
        )
    return Ground.UNANCHORED, (
        "UNANCHORED: the proof holds together, but nothing says that its signers are the right ones; use --trust or --rpc"
    )


def _check_book(proof: Proof, book: AddressBook) -> str:
    """Compare the contract and chain that a proof names with an address book.

    Raises:
        ProofError: they are others.

    """
    domain = proof.body.domain
    trusted = book.addresses["ProductionOracle"]
    if domain.chain_id != book.chain_id:
        raise ProofError(
            "anchor", f"the proof is for chain {domain.chain_id}, the address book for chain {book.chain_id}"
        )
    if domain.oracle != trusted:
        raise ProofError("anchor", f"the proof is for contract {domain.oracle}, the address book names {trusted}")
    return f"contract {domain.oracle} on chain {domain.chain_id} is the address book's ProductionOracle"
