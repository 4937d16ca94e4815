"""`heliograph node`: one oracle node as a process."""

from pathlib import Path

import click

from api.cli import fail


@click.command()
@click.option(
    "--config", "config_path", type=click.Path(path_type=Path, dir_okay=False), metavar="F.toml", help="Configuration."
)
@click.option("--check", is_flag=True, help="Check the configuration and what it names; start nothing, ask no network.")
@click.option("--example", is_flag=True, help="Print a commented configuration.")
def node(config_path: Path | None, *, check: bool, example: bool) -> None:
    """Run one oracle node: it hears telemetry, journals it, acknowledges, and leads reports where it may.

    SIGTERM or Ctrl-C stops it; nothing acknowledged is lost. /healthz and /readyz answer on 127.0.0.1.
    """
    from api.configuration.node import EXAMPLE, NodeConfig

    if example:
        click.echo(EXAMPLE, nl=False)
        return None
    if config_path is None:
        return fail("--config F.toml is missing; --example prints one to start from", 2)
    from api.configuration.command import carry_out
    from api.processes.node_process import run_node

    return carry_out(config_path, NodeConfig.load, run_node, check=check)
