"""`heliograph compare`: two evidence bundles of one asset, what changed, and why."""

import json
from pathlib import Path

import click

from api.cli import fail
from api.commands.interruption import leaving_at_once
from api.destinations import require_file_place, write_whole
from oracle.errors import ConfigError, ProofError

EXIT_DIFFERS = 1


@click.command()
@click.argument("first", type=click.Path(path_type=Path), metavar="A")
@click.argument("second", type=click.Path(path_type=Path), metavar="B")
@click.option(
    "--trust",
    "trust_path",
    type=click.Path(path_type=Path),
    metavar="ANCHOR.json",
    help="Trusted signers and contract.",
)
@click.option(
    "--json", "json_path", metavar="PATH|-", help="Write the comparison as JSON to a file, or to stdout with -."
)
def compare(first: Path, second: Path, trust_path: Path | None, json_path: str | None) -> None:
    """Compare two evidence bundles, or proofs, of one asset: what changed from A to B, and why.

    Both are verified first. Then B's cutoff, envelopes, registry and rules take the place of A's, one after the other in
    this order, and each time the accounts are computed anew: what moves is put down to what was replaced. Of periods that
    differ, the intervals of both are compared. Exit codes: 0 nothing differs, 1 something does or one of them does not
    hold, 2 bad input.
    """
    destination = None if json_path in (None, "-") else Path(str(json_path))
    with leaving_at_once():
        from api.proofs.compare import compare_files, comparison_document, comparison_lines
        from api.proofs.verify import read_trust
        from oracle.attestation.proof import Anchor
    try:
        if destination is not None:
            require_file_place(destination)
        trust = read_trust(trust_path, with_rpc=False) if trust_path else None
        found = compare_files(first.read_bytes(), second.read_bytes(), trust if isinstance(trust, Anchor) else None)
        text = json.dumps(comparison_document(found), indent=1, sort_keys=True) + "\n"
        if destination is not None:
            write_whole(destination, text)
    except OSError as error:
        return fail(f"{error.filename}: cannot be read: {error.strerror}", 2)
    except ConfigError as error:
        return fail(str(error), 2)
    except ProofError as error:
        return fail(f"refused at step {error.step}: {error.what}", 1)
    if json_path == "-":
        click.echo(text, nl=False)
    else:
        click.echo("\n".join(comparison_lines(found)))
    if not found.is_same:
        raise SystemExit(EXIT_DIFFERS)
    return None
