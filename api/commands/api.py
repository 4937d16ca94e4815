"""`heliograph api`: the HTTP API and the dashboard as a process, and the care of its keys."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from api.cli import fail
from api.instants import write_instant
from oracle.errors import ConfigError

if TYPE_CHECKING:
    from api.access.keys import ApiKey

EXIT_FALSE, EXIT_INPUT = 1, 2

_config = click.option(
    "--config", "config_path", type=click.Path(path_type=Path, dir_okay=False), metavar="F.toml", help="Configuration."
)


@click.group(invoke_without_command=True)
@_config
@click.option("--check", is_flag=True, help="Check the configuration and what it names; start nothing, ask no network.")
@click.option("--example", is_flag=True, help="Print a commented configuration.")
@click.pass_context
def api(context: click.Context, config_path: Path | None, *, check: bool, example: bool) -> None:
    """Serve the HTTP API and the dashboard, beside a node that ingests.

    It starts, and goes on answering, while journal, chain or node are away, and says what is stale and since when.
    SIGTERM or Ctrl-C stops it; what it shows is rebuilt from journal and chain at will.
    """
    context.obj = config_path
    if context.invoked_subcommand is not None:
        return None
    from api.configuration.api import EXAMPLE, ApiConfig

    if example:
        click.echo(EXAMPLE, nl=False)
        return None
    if config_path is None:
        return fail("--config F.toml is missing; --example prints one to start from", EXIT_INPUT)
    from api.configuration.command import carry_out

    def run(*arguments: Any) -> None:  # noqa: ANN401  what carry_out hands over
        from api.processes.api_process import run_api

        run_api(*arguments)

    return carry_out(config_path, ApiConfig.load, run, check=check)


@api.group()
def key() -> None:
    """Make, list and revoke API keys, with the server running or not. A key is printed once, when it is made."""


@key.command()
@_config
@click.option("--role", type=click.Choice(["operator", "auditor", "owner"]), required=True, help="Whose key it is.")
@click.option(
    "--scope", "scopes", multiple=True, metavar="S", help="What it may be used for; may be given more than once."
)
@click.option("--address", metavar="0x…", help="The owner's account, of an owner's key.")
@click.option("--label", default="", help="What it is for, so that one knows which to revoke.")
@click.option("--days", type=click.IntRange(1), help="How long it lives; 90 if left out.")
@click.pass_context
def make(  # noqa: PLR0913, PLR0917  one argument an option
    context: click.Context,
    config_path: Path | None,
    role: str,
    scopes: tuple[str, ...],
    address: str | None,
    label: str,
    days: int | None,
) -> None:
    """Make a key, and print it: one JSON object with `key`, which is shown nowhere else."""
    from eth_utils.address import is_checksum_address

    from api.access.keys import DAY_MS, scopes_of
    from api.access.principal import Role
    from api.clocks import system_ms

    if address is not None and not is_checksum_address(address):
        return fail(f"--address {address}: is no address with its capitals (EIP-55)", EXIT_INPUT)
    if not scopes:
        known = ", ".join(sorted(scopes_of(Role(role))))
        return fail(f"--scope is missing; a key of role {role} can have {known}", EXIT_INPUT)
    now_ms = system_ms()
    with _stores(config_path or context.obj) as (keys, audit):
        made, token = keys.make(
            role=Role(role),
            scopes=frozenset(scopes),
            label=label,
            now_ms=now_ms,
            expires_ms=None if days is None else now_ms + days * DAY_MS,
            address=address,
        )
        audit.append_command("api key make", f"key:{made.key_id}", now_ms)
    click.echo(json.dumps({**_shown(made), "key": token}, indent=1))
    return None


@key.command(name="list")
@_config
@click.pass_context
def list_(context: click.Context, config_path: Path | None) -> None:
    """List all keys as one JSON array: what they may be used for, until when, and when they last were."""
    with _stores(config_path or context.obj) as (keys, _audit):
        found = keys.all()
    click.echo(json.dumps([_shown(each) for each in found], indent=1))


@key.command()
@_config
@click.argument("key_id")
@click.pass_context
def revoke(context: click.Context, config_path: Path | None, key_id: str) -> None:
    """Revoke a key and all keys that were made with it, at once. KEY_ID is what `list` shows, or the key itself."""
    from api.clocks import system_ms

    number = key_id.split("_")[1] if key_id.startswith("hgk_") and key_id.count("_") > 1 else key_id
    with _stores(config_path or context.obj) as (keys, audit):
        if keys.find(number) is None:
            return fail(f"there is no key {number}", EXIT_INPUT)
        now_ms = system_ms()
        revoked = keys.revoke(number, now_ms)
        audit.append_command("api key revoke", f"key:{number}", now_ms)
    click.echo(f"{number}: {revoked} revoked" if revoked else f"{number}: was revoked or made void before")
    return None


@api.command()
@_config
@click.pass_context
def audit(context: click.Context, config_path: Path | None) -> None:
    """Check the audit log link by link, and print the last one: kept elsewhere, it shows a log that was cut or rewritten.

    Exit codes: 0 every row follows from the one before; 1 one does not.
    """
    with _stores(config_path or context.obj) as (_keys, log):
        broken, (number, link) = log.broken_at(), log.head()
    if broken is not None:
        return fail(f"row {broken} of the audit log does not follow from the one before", EXIT_FALSE)
    click.echo(json.dumps({"rows": number, "link": link.hex()}, indent=1))
    return None


@contextmanager
def _stores(config_path: Path | None) -> Iterator[tuple[Any, Any]]:
    """Keys and audit log of the file that a configuration leads to. Ends the command where that cannot be used."""
    if config_path is None:
        fail("--config F.toml is missing; heliograph api --example prints one to start from", EXIT_INPUT)
        return
    from api.access.audit import AuditLog
    from api.access.database import AccessFile
    from api.access.keys import KeyStore
    from api.configuration.api import ApiConfig

    try:
        path = ApiConfig.load(config_path).api.access_file
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        file = AccessFile(path)
        try:
            yield KeyStore(file), AuditLog(file)
        finally:
            file.close()
    except ConfigError as error:
        fail(str(error), EXIT_INPUT)
    except OSError as error:
        fail(f"{config_path}: {error.strerror or error}", EXIT_INPUT)


def _shown(found: "ApiKey") -> dict[str, Any]:
    """What may be shown of a key."""
    return {
        "key_id": found.key_id,
        "role": str(found.role),
        "scopes": sorted(found.scopes),
        "address": found.address,
        "label": found.label,
        "parent": found.parent,
        "made": _instant(found.made_ms),
        "expires": _instant(found.expires_ms),
        "last_used": _instant(found.last_used_ms),
        "revoked": _instant(found.revoked_ms),
    }


def _instant(at_ms: int | None) -> str | None:
    """Write an instant [ms UTC] as RFC 3339."""
    if at_ms is None:
        return None
    return write_instant(at_ms)
