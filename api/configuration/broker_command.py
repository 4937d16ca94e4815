"""`heliograph broker-config`: a mosquitto for one network, from what the site's authority has issued."""

import json
from datetime import UTC, datetime
from pathlib import Path, PurePosixPath

import click

from api.cli import fail
from api.configuration.mosquitto import HEADER, access_list, mosquitto_conf
from api.enrolment.authority import Authority
from api.enrolment.files import EnrolmentError, read, replace_public
from api.enrolment.requests import Role
from devices.topics import TopicError

_folder = click.Path(path_type=Path, file_okay=False)


@click.command("broker-config")
@click.option("--network", required=True, help="Name of the network.")
@click.option("--ca", "ca", type=_folder, required=True, metavar="DIR", help="Folder of the site's authority.")
@click.option("--out", type=_folder, required=True, metavar="DIR", help="Folder for the files that are made.")
@click.option("--server", default="broker", show_default=True, help="Stem of the broker's certificate and key in DIR.")
@click.option("--port", default=8883, show_default=True, type=click.IntRange(1, 65535), help="Port it listens on.")
@click.option("--bind", metavar="ADDRESS", help="Address it listens on; by default all.")
@click.option(
    "--installed-at", metavar="DIR", help="Where DIR will be on the broker's machine; by default where it is."
)
@click.option(
    "--state", default="/var/lib/mosquitto", show_default=True, metavar="DIR", help="Where the broker keeps sessions."
)
@click.option("--run-as", metavar="USER", help="System user it becomes when started as root.")
def broker_config(  # noqa: PLR0913  one argument an option
    *,
    network: str,
    ca: Path,
    out: Path,
    server: str,
    port: int,
    bind: str | None,
    installed_at: str | None,
    state: str,
    run_as: str | None,
) -> None:
    """Write mosquitto.conf, acl, ca.pem and crl.pem for a broker that admits enrolled certificates only.

    Run it again after each enrolment or revocation, and let mosquitto read the files anew (SIGHUP). What is connected
    stays connected until it leaves or the broker is restarted.
    """
    try:
        authority = Authority(ca)
        now = datetime.now(UTC)
        valid = [one for one in authority.issued() if not one.revoked and one.not_after > now]
        names = {role: sorted({one.name for one in valid if one.role is role}) for role in Role}
        acl = access_list(network, names[Role.GATEWAY], names[Role.NODE])
        conf = mosquitto_conf(
            folder=PurePosixPath(installed_at or out.absolute()),
            server=server,
            port=port,
            bind=bind,
            run_as=run_as,
            persistence=PurePosixPath(state),
        )
        for path, content in ((out / "mosquitto.conf", conf), (out / "acl", acl)):
            _replace_own(path, content)
        for name in ("ca.pem", "crl.pem"):
            replace_public(out / name, read(ca / name))
    except (EnrolmentError, TopicError) as error:
        return fail(str(error), 2)
    for stem in (f"{server}.pem", f"{server}.key"):
        if not (out / stem).exists():
            click.echo(f"still missing in {out}: {stem} (heliograph enrol broker HOST --out {out} --ca {ca})", err=True)
    made = {"config": str(out / "mosquitto.conf"), "gateways": names[Role.GATEWAY], "nodes": names[Role.NODE]}
    click.echo(json.dumps(made, indent=1))
    return None


def _replace_own(path: Path, content: str) -> None:
    """Replace a file that this command wrote before; leave one that somebody else wrote alone."""
    if path.exists() and not read(path).startswith(HEADER.encode()):
        raise EnrolmentError(f"{path}: is there already and was not written by this command")
    replace_public(path, content.encode("utf-8"))
