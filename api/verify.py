"""`heliograph verify`: from a token down to the device signatures, trusting no server of ours."""

from pathlib import Path

import click

from api.cli import fail
from oracle.attestation.proof import Anchor, Proof, decode_anchor, decode_proof
from oracle.attestation.verification import Step, verify_proof
from oracle.errors import ChainError, ProofError

EXIT_UNANCHORED = 3


@click.command()
@click.argument("proof_path", type=click.Path(path_type=Path), metavar="PROOF.json")
@click.option(
    "--trust",
    "anchor_path",
    type=click.Path(path_type=Path),
    metavar="ANCHOR.json",
    help="Trusted signers and contract.",
)
@click.option("--rpc", "rpc_url", metavar="URL", help="Ask a chain node whether the report was published there.")
def verify(proof_path: Path, anchor_path: Path | None, rpc_url: str | None) -> None:
    """Verify a proof and print each step.

    Needs no network unless --rpc is given. Exit codes: 0 it holds and is anchored, 1 it does not hold, 2 a file cannot
    be read, 3 it holds but nothing says that its signers are the right ones.
    """
    try:
        raw = proof_path.read_bytes()
        anchor = decode_anchor(anchor_path.read_bytes()) if anchor_path else None
    except OSError as error:
        return fail(f"{error.filename}: cannot be read: {error.strerror}", 2)
    except ProofError as error:
        return fail(f"{anchor_path}: {error}", 2)
    try:
        proof = decode_proof(raw)
        _print(Step("document", f"canonical JSON, {len(raw)} bytes"))
        verify_proof(proof, anchor, _print)
        if rpc_url is not None:
            _print(Step("chain", _check_chain(proof, rpc_url)))
    except ProofError as error:
        click.echo(f"  FAILED  {error.step:<11} {error.what}")
        return fail(f"{proof_path}: refused at step {error.step}", 1)
    except ChainError as error:
        return fail(str(error), 3)
    return _conclude(proof, anchor, rpc_url)


def _print(step: Step) -> None:
    click.echo(f"  ok      {step.name:<11} {step.finding}")


def _conclude(proof: Proof, anchor: Anchor | None, rpc_url: str | None) -> None:
    for proven in proof.body.statements:
        statement = proven.statement
        click.echo(
            f"{statement.asset_id}, vintage {statement.vintage}: {statement.energy_wh.net} Wh attested,"
            f" {statement.credits_g.net} gCO2e, {statement.revenue_minor.net} minor units of revenue"
        )
    if anchor is None and rpc_url is None:
        click.echo(
            "UNANCHORED: the proof holds together, but nothing says that its signers are the right ones; use --trust or --rpc"
        )
        raise SystemExit(EXIT_UNANCHORED)
    if anchor is None:
        click.echo(
            f"contract {proof.body.domain.oracle} is the proof's own word: compare it with a published address book"
        )
    click.echo("VERIFIED")


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
        published = (
            bytes(oracle.functions.digestAt(body.report.epoch).call()) if chain_id == body.domain.chain_id else b""
        )
    except Exception as error:
        raise ChainError(f"{rpc_url}: does not answer for contract {body.domain.oracle}: {error}") from error
    if chain_id != body.domain.chain_id:
        raise ProofError(
            "chain", f"wrong chain: the proof is for chain {body.domain.chain_id}, {rpc_url} is on {chain_id}"
        )
    if published != body.report.digest(body.domain):
        raise ProofError("chain", f"the contract holds another report, or none, at epoch {body.report.epoch}")
    return f"report {body.report.epoch} stands in contract {body.domain.oracle} on chain {chain_id}"
