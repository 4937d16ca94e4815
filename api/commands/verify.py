"""`heliograph verify`: from a token down to the device signatures, trusting no server of ours."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

from api.cli import fail
from api.commands.interruption import leaving_at_once
from oracle.errors import ChainError, ConfigError, ProofError

if TYPE_CHECKING:
    from oracle.attestation.verification import Step

EXIT_UNANCHORED = 3


@click.command()
@click.argument("proof_path", type=click.Path(path_type=Path), metavar="PROOF.json")
@click.option(
    "--trust",
    "trust_path",
    type=click.Path(path_type=Path),
    metavar="ANCHOR.json",
    help="Trusted signers and contract; with --rpc also an address book.",
)
@click.option("--rpc", "rpc_url", metavar="URL", help="Ask a chain node whether the report was published there.")
def verify(proof_path: Path, trust_path: Path | None, rpc_url: str | None) -> None:
    """Verify a proof and print each step.

    Needs no network unless --rpc is given. --rpc without --trust asks the contract that the proof itself names: compare
    it with an address book that you have from elsewhere, or give that book to --trust. Exit codes: 0 it holds and is
    anchored, 1 it does not hold, 2 a file cannot be read, 3 it holds but nothing says that its signers are the right
    ones.
    """
    with leaving_at_once():
        from api.verify import Ground, read_trust, verify_file
    try:
        raw = proof_path.read_bytes()
        trust = read_trust(trust_path, with_rpc=rpc_url is not None) if trust_path else None
    except OSError as error:
        return fail(f"{error.filename}: cannot be read: {error.strerror}", 2)
    except ConfigError as error:
        return fail(str(error), 2)
    try:
        verified = verify_file(raw, trust, rpc_url, _print)
    except ProofError as error:
        click.echo(f"  FAILED  {error.step:<11} {error.what}")
        return fail(f"{proof_path}: refused at step {error.step}", 1)
    except ChainError as error:
        return fail(str(error), 3)
    for finding in verified.statements:
        click.echo(finding)
    click.echo(verified.conclusion)
    if verified.ground is Ground.UNANCHORED:
        raise SystemExit(EXIT_UNANCHORED)
    return None


def _print(step: "Step") -> None:
    click.echo(f"  ok      {step.name:<11} {step.finding}")
