"""The `heliograph` command. Each subcommand is imported only when it is called, so that help answers at once."""

import importlib
import sys
from typing import Any

import click

COMMANDS = {
    "demo": ("api.demo.command:demo", "Run the whole system on this machine, from sunlight to tokens."),
    "settle": ("api.settle:settle", "Settle recorded readings into a production ledger. No network."),
    "verify": ("api.verify:verify", "Verify a proof, from a token down to the device signatures."),
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

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002  click's signature
        """List the subcommands without importing them."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, text) for name, (_, text) in COMMANDS.items()])


@click.group(cls=LazyCommands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="heliograph")
def heliograph() -> None:
    """Turn sunlight, as meters saw it, into tokens that can be believed.

    Exit codes: 0 true, 1 false (books unbalanced, proof invalid), 2 bad input or usage, 3 a dependency is missing or a
    proof has nothing to be anchored to.
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
