"""A proof held against what the verifier trusts: an anchor, an address book, a chain node, or nothing."""

from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from typing import TYPE_CHECKING

from contracts.address_book import AddressBook
from contracts.state import RootStatus
from oracle.attestation.proof import Anchor, Proof, decode_anchor, decode_proof
from oracle.attestation.verification import Step, verify_proof
from oracle.errors import ChainError, ConfigError, ProofError
from oracle.reporting.document import parse_json

if TYPE_CHECKING:
    from web3.contract import Contract

    from oracle.reporting.report import Report

OnStep = Callable[[Step], None]


class Ground(Enum):
    """What a proof that holds rests on."""

    ANCHORED = "signers or contract are those that the verifier trusts"
    OWN_WORD = "the report stands on a chain, in the contract that the proof itself names"
    UNANCHORED = "nothing but itself"


@dataclass(frozen=True)
class Verified:
    """A proof that holds."""

    ground: Ground
    statements: tuple[str, ...]
    """What is proven, one plain line for each vintage."""
    conclusion: str
    """The last line."""


def holds_archive(path: Path) -> bool:
    """Whether a file is Parquet, and so an archive rather than a proof. Raises OSError if it cannot be read."""
    if path.exists() and not path.is_file():
        return False  # a pipe can be read once only
    with path.open("rb") as file:
        return file.read(4) == b"PAR1"


def read_trust(path: Path, *, with_rpc: bool) -> Anchor | AddressBook:
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


def verify_file(raw: bytes, trust: Anchor | AddressBook | None, rpc_url: str | None, on_step: OnStep) -> Verified:
    """Verify a proof; `on_step` is told of each step that holds.

    Raises:
        ProofError: a step does not hold.
        ChainError: the chain node cannot be asked.

    """
    proof = decode_proof(raw)
    on_step(Step("document", f"canonical JSON, {len(raw)} bytes"))
    verify_proof(proof, trust if isinstance(trust, Anchor) else None, on_step)
    if isinstance(trust, AddressBook):
        on_step(Step("anchor", _check_book(proof, trust)))
    if rpc_url is not None:
        on_step(Step("chain", _check_chain(proof, rpc_url)))
    ground, conclusion = _conclude(proof, trust, rpc_url)
    return Verified(ground, tuple(_statements(proof)), conclusion)


def _conclude(proof: Proof, trust: Anchor | AddressBook | None, rpc_url: str | None) -> tuple[Ground, str]:
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


def _statements(proof: Proof) -> list[str]:
    return [
        f"{proven.statement.asset_id}, vintage {proven.statement.vintage}: {proven.statement.energy_wh.net} Wh attested,"
        f" {proven.statement.credits_g.net} gCO2e, {proven.statement.revenue_minor.net} minor units of revenue"
        for proven in proof.body.statements
    ]


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


def _check_chain(proof: Proof, rpc_url: str) -> str:
    """Ask the oracle contract that the proof names for its report.

    Raises:
        ProofError: another chain, or the contract holds another report or none at that epoch.
        ChainError: the node cannot be reached, or there is no such contract.

    """
    from web3 import HTTPProvider, Web3  # noqa: PLC0415  slow to import, and only needed here

    from contracts import artifact  # noqa: PLC0415

    body = proof.body
    try:
        web3 = Web3(HTTPProvider(rpc_url, request_kwargs={"timeout": 30}))
        chain_id = web3.eth.chain_id
        oracle = web3.eth.contract(
            address=Web3.to_checksum_address(body.domain.oracle), abi=artifact("ProductionOracle").abi
        )
        stands = chain_id == body.domain.chain_id and _stands(oracle, body.report, body.report.digest(body.domain))
    except Exception as error:
        raise ChainError(f"{rpc_url}: does not answer for contract {body.domain.oracle}: {error}") from error
    if chain_id != body.domain.chain_id:
        raise ProofError(
            "chain", f"wrong chain: the proof is for chain {body.domain.chain_id}, {rpc_url} is on {chain_id}"
        )
    if not stands:
        raise ProofError("chain", f"the contract holds another report, or none, at epoch {body.report.epoch}")
    return f"report {body.report.epoch} stands in contract {body.domain.oracle} on chain {chain_id}"


def _stands(oracle: "Contract", report: "Report", digest: bytes) -> bool:
    """Whether the contract has published just this report, and no guardian has disabled it."""
    epoch = report.epoch
    if oracle.functions.statusOf(epoch).call() == RootStatus.DISABLED:
        return False
    # A report is published after the block at which its registry was read.
    told = {"argument_filters": {"epoch": epoch, "digest": digest}, "from_block": report.registry_block}
    return bool(oracle.events.Published().get_logs(**told)) and not oracle.events.Disabled().get_logs(**told)
