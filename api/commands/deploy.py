"""`heliograph deploy`: the contracts on a chain, once."""

from functools import partial
from pathlib import Path

import click

from api.cli import fail


@click.command()
@click.option(
    "--config", "config_path", type=click.Path(path_type=Path, dir_okay=False), metavar="F.toml", help="Configuration."
)
@click.option("--check", is_flag=True, help="Check the configuration and what it names; ask no network.")
@click.option("--example", is_flag=True, help="Print a commented configuration.")
@click.option(
    "--dry-run", is_flag=True, help="Look at the chain and say what would be sent; send nothing. Needs no key."
)
def deploy(config_path: Path | None, *, check: bool, example: bool, dry_run: bool) -> None:
    """Deploy the contracts, wire their roles, and hand them over to the administrator.

    Only what is missing is done: called again it changes nothing, and what was broken off goes on. What is on chain
    already is held against this release, byte by byte. The address book goes to the file that the configuration names,
    what was done and who has which role to stdout (JSON), progress to stderr.

    Exit codes: 0 deployed, 1 deployed and handed over, but not as planned any more, 2 it cannot be deployed so and nothing
    was sent, 3 the chain does not answer or refused, 130 stopped; call again to go on.
    """
    from api.configuration.deployment import EXAMPLE, DeployConfig, KeylessConfig

    if example:
        click.echo(EXAMPLE, nl=False)
        return None
    if config_path is None:
        return fail("--config F.toml is missing; --example prints one to start from", 2)
    from api.configuration.command import carry_out
    from api.deployment import run_deployment

    load = KeylessConfig.load if dry_run else DeployConfig.load
    return carry_out(config_path, load, partial(run_deployment, dry_run=dry_run), check=check)
