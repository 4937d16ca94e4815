"""`heliograph gateway`: one gateway as a process."""

from pathlib import Path

import click

from api.cli import fail


@click.command()
@click.option(
    "--config", "config_path", type=click.Path(path_type=Path, dir_okay=False), metavar="F.toml", help="Configuration."
)
@click.option("--check", is_flag=True, help="Check the configuration and what it names; start nothing, ask no network.")
@click.option("--example", is_flag=True, help="Print a commented configuration.")
def gateway(config_path: Path | None, *, check: bool, example: bool) -> None:
    """Run one gateway: it reads meters, signs each new reading once, and delivers until enough nodes have it.

    SIGTERM or Ctrl-C stops it; what is not delivered stays on disk. /healthz and /readyz answer on 127.0.0.1.
    """
    from api.configuration.gateway import EXAMPLE, GatewayConfig

    if example:
        click.echo(EXAMPLE, nl=False)
        return None
    if config_path is None:
        return fail("--config F.toml is missing; --example prints one to start from", 2)
    from api.configuration.command import carry_out
    from api.processes.gateway_process import run_gateway

    return carry_out(config_path, GatewayConfig.load, run_gateway, check=check)
