"""The `heliograph` command. Each subcommand is imported only when it is called, so that help answers at once."""

import importlib
import sys
from typing import Any

import click

from api.commands.interruption import EXIT_INTERRUPTED

COMMANDS = {
    "demo": ("api.commands.demo:demo", "Run the whole system on this machine, from sunlight to tokens."),
    "settle": ("api.commands.settle:settle", "Settle recorded readings into a production ledger. No network."),
    "explain": (
        "api.commands.explain:explain",
        "Say why an hour was attested, withheld or disputed, and what to do.",
    ),
    "verify": ("api.commands.verify:verify", "Verify a proof, from a token down to the device signatures."),
    "ceiling": (
        "api.commands.ceiling:ceiling",
        "Print the most that a plant can produce at its place, for a rules file.",
    ),
    "certificates": (
        "api.commands.certificates:certificates",
        "Issue energy certificates by the hour, out of a proof that holds.",
    ),
    "prove": ("api.commands.prove:prove", "Write proofs: of statements, intervals, periods, credits, retirements."),
    "compare": ("api.commands.compare:compare", "Compare two evidence bundles: what changed, and why."),
    "node": ("api.commands.node:node", "Run one oracle node."),
    "gateway": ("api.commands.gateway:gateway", "Run one gateway: read meters, sign, deliver."),
    "api": ("api.commands.api:api", "Serve the HTTP API and the dashboard, beside a node."),
    "deploy": ("api.commands.deploy:deploy", "Put the contracts on a chain, wire their roles, hand them over."),
    "enrol": ("api.enrolment.command:enrol", "Make, renew and revoke keys and certificates."),
    "broker-config": (
        "api.configuration.broker_command:broker_config",
        "Configure a mosquitto for enrolled certificates.",
    ),
    "journal": ("api.commands.journal:journal", "Back up, check, restore and archive a node's journal."),
    "historian": ("api.commands.historian:historian", "Rebuild the time-series database from a journal."),
    "bench": ("api.commands.bench:bench", "Measure, beside the limit and a peer, what this machine can do."),
}
"""Subcommand -> (where it is, what it does)."""


class LazyCommands(click.Group):
    """A group that knows its subcommands by name and imports one when it is needed."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002  click's signature
        """Names of all subcommands."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002  click's signature
        """Import one subcommand."""
        if cmd_name not in COMMANDS:
            return None
        module, _, name = COMMANDS[cmd_name][0].partition(":")
        command: click.Command = getattr(importlib.import_module(module), name)
        return command

    def invoke(self, ctx: click.Context) -> Any:  # noqa: ANN401  click's signature
        """Run a subcommand. Ctrl-C ends it with a code of its own: click's 1 would say that a proof or the books are false."""
        try:
            return super().invoke(ctx)
        except KeyboardInterrupt:
            click.echo("stopped", err=True)
            sys.exit(EXIT_INTERRUPTED)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002  click's signature
        """List the subcommands without importing them."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, text) for name, (_, text) in COMMANDS.items()])


@click.group(cls=LazyCommands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="heliograph")
def heliograph() -> None:
    """Turn sunlight, as meters saw it, into tokens that can be believed.

    Exit codes: 0 true, 1 false (books unbalanced, proof invalid), 2 bad input or usage, 3 a dependency is missing or a
    proof has nothing to be anchored to, 130 stopped before the end.
    """


def fail(message: str, code: int) -> None:
    """Print one clear line to stderr and leave with an exit code."""
    click.echo(f"heliograph: {message}", err=True)
    sys.exit(code)


def main(arguments: list[str] | None = None) -> Any:  # noqa: ANN401  click exits
    """Entry point."""
    return heliograph.main(args=arguments, prog_name="heliograph")


if __name__ == "__main__":
    main()
