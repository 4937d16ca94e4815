"""`heliograph enrol`: keys and certificates of a site, made, renewed and revoked."""

import json
from datetime import datetime
from pathlib import Path
from typing import Any, get_args

import click

from api.cli import fail
from api.enrolment.authority import Authority
from api.enrolment.files import EnrolmentError
from api.enrolment.issuing import certify, enrol_client, now
from api.enrolment.registration import baseline_time_ms, new_device_key, registration, revocation
from api.enrolment.requests import Role, make_request, require_name
from contracts.state import ListedMeter, MeterRole
from devices.device_key import ALGORITHMS, Algorithm
from oracle.errors import ConfigError
from oracle.keyring.files import create_keyring
from oracle.metering.meter import LARGEST_REGISTER_WH, MAX_NAMEPLATE_W

CERTIFICATE_DAYS = 398
AUTHORITY_DAYS = 3653

_folder = click.Path(path_type=Path, file_okay=False)
_file = click.Path(path_type=Path, dir_okay=False)
_out = click.option("--out", type=_folder, required=True, metavar="DIR", help="Folder for the files that are made.")
_authority = click.option(
    "--ca", "ca", type=_folder, required=True, metavar="DIR", help="Folder of the site's authority."
)
_maybe_authority = click.option(
    "--ca", "ca", type=_folder, metavar="DIR", help="Sign at once with the authority in this folder."
)
_days = click.option(
    "--days",
    default=CERTIFICATE_DAYS,
    show_default=True,
    type=click.IntRange(1, AUTHORITY_DAYS),
    help="Validity of the certificate.",
)
_rotate = click.option("--rotate", is_flag=True, help="Make a new key beside the one that is there.")


class _Enrolment(click.Group):
    """A group whose errors are one line and exit code 2."""

    def invoke(self, ctx: click.Context) -> Any:  # noqa: ANN401  click's signature
        """Run a subcommand."""
        try:
            return super().invoke(ctx)
        except (EnrolmentError, ConfigError) as error:
            return fail(str(error), 2)


@click.group(cls=_Enrolment)
def enrol() -> None:
    """Make, renew and revoke keys and certificates.

    Private keys are written for their owner alone (0600), and no key is overwritten. Each command prints what it made
    as JSON.
    """


@enrol.command()
@click.option("--site", required=True, help="Name of the site.")
@click.option(
    "--days",
    default=AUTHORITY_DAYS,
    show_default=True,
    type=click.IntRange(1, 36525),
    help="Validity of the authority.",
)
@_out
def ca(site: str, days: int, out: Path) -> None:
    """Make the certificate authority of a site (P-256). Keep its folder off every machine that connects."""
    made = Authority.create(out, site, now(), days)
    _say({"ca": out / "ca.pem", "crl": out / "crl.pem", "expires": made.certificate.not_valid_after_utc})


@enrol.command()
@click.argument("name")
@_out
@_maybe_authority
@_days
@_rotate
def gateway(name: str, out: Path, ca: Path | None, days: int, *, rotate: bool) -> None:
    """Make a gateway's key and request; with --ca also its certificate."""
    _say(enrol_client(Role.GATEWAY, name, out, ca, days, rotate=rotate))


@enrol.command()
@click.argument("name")
@_out
@_maybe_authority
@_days
@_rotate
def node(name: str, out: Path, ca: Path | None, days: int, *, rotate: bool) -> None:
    """Make a node's key and request, with --ca also its certificate, and its keyring in DIR/keys.

    A keyring that is there is kept. Gateways need the node's ack_key, the oracle contract its report_address.
    """
    made = enrol_client(Role.NODE, name, out, ca, days, rotate=rotate)
    keyring = create_keyring(out / "keys")
    public = keyring.ack_key.public
    _say(
        {
            **made,
            "keyring": out / "keys",
            "report_address": keyring.address,
            "ack_alg": public.alg,
            "ack_key": public.raw.hex(),
        }
    )


@enrol.command()
@click.argument("hosts", nargs=-1, required=True, metavar="HOST...")
@_out
@_authority
@_days
@_rotate
def broker(hosts: tuple[str, ...], out: Path, ca: Path, days: int, *, rotate: bool) -> None:
    """Make the broker's key and certificate. HOST is each name or address by which clients call it."""
    authority = Authority(ca)
    key, request = make_request(out, "broker", rotate=rotate)
    certificate = certify(authority, request, Role.BROKER, days, request.with_suffix(".pem"), hosts)
    _say({"key": key, **certificate})


@enrol.command()
@click.argument("request", type=_file, metavar="REQUEST.csr")
@click.option(
    "--role", required=True, type=click.Choice([Role.GATEWAY.value, Role.NODE.value]), help="What it is admitted as."
)
@click.option("--out", type=_file, required=True, metavar="CERT.pem", help="Where the certificate goes.")
@_authority
@_days
def sign(request: Path, role: str, out: Path, ca: Path, days: int) -> None:
    """Certify a key that somebody else made: only its request travels."""
    _say(certify(Authority(ca), request, Role(role), days, out))


@enrol.command()
@click.argument("name")
@click.option("--meter", required=True, help="Meter that the device reads.")
@click.option("--asset", required=True, help="Asset that the meter belongs to.")
@click.option(
    "--nameplate-w", required=True, type=click.IntRange(1, MAX_NAMEPLATE_W), help="Rated power behind the meter [W]."
)
@click.option(
    "--baseline-wh", required=True, type=click.IntRange(0, LARGEST_REGISTER_WH), help="Confirmed export register [Wh]."
)
@click.option("--baseline-at", required=True, metavar="TIME", help="When it was confirmed (RFC 3339).")
@click.option("--role", default="inverter", show_default=True, type=click.Choice(["inverter", "plant", "load"]))
@click.option("--alg", default="es256", show_default=True, type=click.Choice(ALGORITHMS))
@_out
def device(  # noqa: PLR0913  one argument an option
    *,
    name: str,
    meter: str,
    asset: str,
    nameplate_w: int,
    baseline_wh: int,
    baseline_at: str,
    role: str,
    alg: str,
    out: Path,
) -> None:
    """Make a device's signing key and print its entry for the registry's meter list.

    To renew a key: enrol a device of a new name for the same meter, list it, and cut the old one with revoke-key.
    """
    for each in (name, meter, asset):
        require_name(each)
    instant_ms = baseline_time_ms(baseline_at)
    (chosen,) = (known for known in get_args(Algorithm) if known == alg)
    key = new_device_key(out / f"{name}.pem", chosen)
    listed = ListedMeter(
        asset_id=asset,
        meter_id=meter,
        device_id=name,
        thumbprint=key.public.thumbprint,
        role=MeterRole[role.upper()],
        nameplate_w=nameplate_w,
        baseline_wh=baseline_wh,
        baseline_time_ms=instant_ms,
    )
    click.echo(f"the private key is in {out / f'{name}.pem'}; the registry takes this entry:", err=True)
    _say(registration(listed))


@enrol.command()
@click.argument("name")
@_authority
@click.option("--serial", metavar="HEX", help="Only the certificate of this serial number.")
@click.option("--older", is_flag=True, help="All but the newest certificate: the last step of a renewal.")
def revoke(name: str, ca: Path, serial: str | None, *, older: bool) -> None:
    """Revoke the certificates of a gateway or node. The broker reads the new crl.pem at its next reload or start."""
    authority = Authority(ca)
    valid = [one.serial for one in authority.issued() if one.name == name and not one.revoked]
    if serial is not None:
        valid = [each for each in valid if f"{each:040x}" == serial.lower().rjust(40, "0")]
    chosen = valid[:-1] if older else valid
    if not chosen:
        raise EnrolmentError(f"{ca}: there is no certificate of {name} to revoke")
    authority.revoke(chosen, now())
    _say({"revoked": [f"{each:040x}" for each in chosen], "crl": ca / "crl.pem"})


@enrol.command("revoke-key")
@click.argument("device")
@click.option("--meter", required=True, help="Meter that the device reads.")
@click.option("--from-boot", required=True, type=int, help="Boot epoch of the first reading that is refused.")
@click.option("--from-sequence", required=True, type=int, help="Its sequence number.")
def revoke_key(device: str, meter: str, from_boot: int, from_sequence: int) -> None:
    """Print what the registry must say so that a device's key is revoked from a sequence number on."""
    cut = revocation(require_name(device), require_name(meter), from_boot, from_sequence)
    click.echo("keep the meter's entry and change these fields; nodes follow once the block is final:", err=True)
    _say(cut)


def _say(made: dict[str, Any]) -> None:
    click.echo(json.dumps(made, indent=1, default=_text))


def _text(member: object) -> str:
    return member.strftime("%Y-%m-%dT%H:%M:%SZ") if isinstance(member, datetime) else str(member)
