"""`heliograph certificates`: energy certificates by the hour, out of a proof that holds."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

from api.cli import fail
from api.commands.interruption import leaving_at_once
from api.destinations import require_file_place, write_whole
from oracle.errors import ConfigError, ProofError, ReportError

if TYPE_CHECKING:
    from api.proofs.certificates import Request
    from oracle.attestation.verification import Step


@click.command()
@click.argument("proof_path", required=False, type=click.Path(path_type=Path), metavar="PROOF.json")
@click.option(
    "--trust",
    "trust_path",
    type=click.Path(path_type=Path),
    metavar="ANCHOR.json",
    help="Trusted signers and contract.",
)
@click.option(
    "--issuer", "issuer_path", type=click.Path(path_type=Path), metavar="I.toml", help="Who issues, and the devices."
)
@click.option("--interval", default="1h", show_default=True, help="Production interval, at most an hour: 15m, 30m, 1h.")
@click.option(
    "--after",
    "before_paths",
    multiple=True,
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="Certificates issued so far, the oldest first; may be repeated.",
)
@click.option(
    "--factors",
    "factors_path",
    type=click.Path(path_type=Path),
    metavar="F.csv",
    help="Hourly emission factors to show beside, for information.",
)
@click.option("--json", "json_path", metavar="PATH|-", help="Write the certificates to a file, or to stdout with -.")
@click.option(
    "--check",
    "checked_path",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="Issue nothing: check that these certificates are those that the proof gives.",
)
@click.option("--example", is_flag=True, help="Print a commented issuer's file, and leave.")
def certificates(  # noqa: PLR0913, PLR0917  one for each option
    proof_path: Path | None,
    trust_path: Path | None,
    issuer_path: Path | None,
    interval: str,
    before_paths: tuple[Path, ...],
    factors_path: Path | None,
    json_path: str | None,
    checked_path: Path | None,
    example: bool,  # noqa: FBT001  click's signature
) -> None:
    """Issue energy certificates (EnergyTag granular certificates) over what a proof attests.

    PROOF.json is checked as `heliograph verify` does, down to the device signatures; --trust must name the right signers.
    Only an asset whose claim right is "certificate" gets any: the same watt-hour backs a credit or a certificate, never
    both. A register difference that is not within one interval is never certified.

    Exit codes: 0 issued (perhaps nothing new) or as they should be, 1 refused or the proof does not hold, 2 a file cannot
    be used.
    """
    if example:
        from api.configuration.issuer import EXAMPLE

        return click.echo(EXAMPLE, nl=False)
    if proof_path is None or trust_path is None or (issuer_path is None) == (checked_path is None):
        needed = "PROOF.json, --trust ANCHOR.json, and --issuer I.toml (see --example) or --check FILE"
        return fail(f"certificates needs {needed}", 2)
    with leaving_at_once():
        from api.proofs.certificates import RefusedError
    try:
        if checked_path is not None:
            _check(proof_path, trust_path, checked_path, before_paths)
        elif issuer_path is not None:
            _issue(proof_path, trust_path, json_path, _request(issuer_path, interval, before_paths, factors_path))
    except OSError as error:
        fail(f"{error.filename}: cannot be read: {error.strerror}", 2)
    except ProofError as error:
        fail(f"{proof_path}: refused at step {error.step}: {error.what}", 1)
    except RefusedError as error:
        fail(str(error), 1)
    except (ConfigError, ReportError) as error:
        fail(str(error), 2)
    return None


def _issue(proof_path: Path, trust_path: Path, json_path: str | None, request: "Request") -> None:
    from api.proofs.certificates import issue
    from oracle.attestation.proof import decode_anchor

    destination = None if json_path in (None, "-") else Path(str(json_path))
    if destination is not None:
        require_file_place(destination)
    issued = issue(proof_path.read_bytes(), decode_anchor(trust_path.read_bytes()), request, _print)
    if destination is not None:
        write_whole(destination, issued.raw.decode())
    if json_path == "-":
        click.echo(issued.raw.decode())
    else:
        click.echo(f"{issued.asset_id}: {issued.issued_wh} Wh newly certified in {len(issued.bundles)} bundles")


def _check(proof_path: Path, trust_path: Path, checked_path: Path, before_paths: tuple[Path, ...]) -> None:
    from api.proofs.certificates import check
    from oracle.attestation.proof import decode_anchor

    before = [path.read_bytes() for path in before_paths]
    anchor = decode_anchor(trust_path.read_bytes())
    checked = check(proof_path.read_bytes(), anchor, checked_path.read_bytes(), before, _print)
    click.echo(
        f"{checked.asset_id}: {checked.issued_wh} Wh certified in {len(checked.bundles)} bundles, as the proof gives"
    )


def _request(issuer_path: Path, interval: str, before_paths: tuple[Path, ...], factors_path: Path | None) -> "Request":
    from api.configuration.issuer import load_issuer
    from api.proofs.certificates import Request
    from oracle.metering.interval import parse_duration_ms
    from oracle.reporting.hourly_factors import read_hourly_factors

    try:
        interval_ms = parse_duration_ms(interval)
    except ValueError as error:
        raise ConfigError(f"--interval: {error}") from error
    factors = None
    if factors_path is not None:
        try:
            factors = read_hourly_factors(factors_path.read_text(encoding="utf-8"))
        except (ConfigError, UnicodeDecodeError) as error:
            raise ConfigError(f"{factors_path}: {error}") from error
    return Request(load_issuer(issuer_path), interval_ms, tuple(path.read_bytes() for path in before_paths), factors)


def _print(step: "Step") -> None:
    click.echo(f"  ok      {step.name:<11} {step.finding}", err=True)
