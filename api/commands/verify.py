"""`heliograph verify`: from a token down to the device signatures, trusting no server of ours."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

from api.cli import fail
from api.commands.interruption import leaving_at_once
from oracle.errors import ChainError, ConfigError, ProofError

if TYPE_CHECKING:
    from api.proofs.verify import Verified
    from oracle.attestation.verification import Step

EXIT_UNANCHORED = 3


@click.command()
@click.argument("proof_path", type=click.Path(path_type=Path), metavar="FILE")
@click.option(
    "--trust",
    "trust_path",
    type=click.Path(path_type=Path),
    metavar="ANCHOR.json",
    help="Trusted signers and contract; with --rpc also an address book.",
)
@click.option("--rpc", "rpc_url", metavar="URL", help="Ask a chain node whether the report was published there.")
@click.option(
    "--interval", metavar="START", help="Say what is booked in the ledger interval that begins at START (RFC 3339)."
)
@click.option(
    "--journal",
    "journal_path",
    type=click.Path(path_type=Path),
    metavar="J",
    help="The journal that an archive's rows left.",
)
def verify(
    proof_path: Path, trust_path: Path | None, rpc_url: str | None, interval: str | None, journal_path: Path | None
) -> None:
    """Verify a proof, or an archive of envelopes, and print each step.

    A proof is of an asset's statements, of what is booked in a period, or of credits by their serial numbers or their
    retirement: heliograph prove writes them. What devices signed and the proof does not show is told as MISSING: an
    exporter cannot hide it, and it may still come.

    Needs no network unless --rpc is given; a chain node then says whether the report stands, and for credits whether their
    blocks are of the chain. --rpc without --trust asks the contract that the proof itself names: compare it with an address
    book that you have from elsewhere, or give that book to --trust. Exit codes: 0 it holds and is anchored, 1 it does not
    hold, 2 a file cannot be read, 3 it holds but nothing says that its signers, or its blocks, are the right ones.

    An archive (Parquet) holds if each row fits its link and is what its device signed. With --journal its rows must be
    those that left this journal, whose links are checked too; without, it is not anchored.
    """
    with leaving_at_once():
        from api.proofs.verify import Ground
    try:
        verified = _verified(proof_path, trust_path, rpc_url, interval, journal_path)
    except OSError as error:
        return fail(f"{error.filename}: cannot be read: {error.strerror}", 2)
    except ConfigError as error:
        return fail(str(error), 2)
    except ProofError as error:
        click.echo(f"  FAILED  {error.step:<11} {error.what}")
        return fail(f"{proof_path}: refused at step {error.step}", 1)
    except ChainError as error:
        return fail(str(error), 3)
    for line in verified.missing:
        click.echo(f"  MISSING {'continuity':<11} {line}")
    for finding in verified.findings:
        click.echo(finding)
    click.echo(verified.conclusion)
    if verified.ground is Ground.UNANCHORED:
        raise SystemExit(EXIT_UNANCHORED)
    return None


def _verified(
    path: Path, trust_path: Path | None, rpc_url: str | None, interval: str | None, journal_path: Path | None
) -> "Verified":
    with leaving_at_once():
        from api.instants import read_instant_ms
        from api.proofs.verify import holds_archive, read_trust, verify_file
    if holds_archive(path):
        if trust_path or rpc_url or interval:
            raise ConfigError(
                "--trust and --rpc are for proofs, and so is --interval; an archive is held against its --journal"
            )
        with leaving_at_once():
            from api.proofs.archive import verify_archive
        return verify_archive(path, journal_path, _print)
    if journal_path is not None:
        raise ConfigError("--journal is for archives; a proof is held against --trust or --rpc")
    raw = path.read_bytes()
    trust = read_trust(trust_path, with_rpc=rpc_url is not None) if trust_path else None
    return verify_file(raw, trust, rpc_url, _print, None if interval is None else read_instant_ms(interval))


def _print(step: "Step") -> None:
    click.echo(f"  ok      {step.name:<11} {step.finding}")
