"""`heliograph historian`: care of the time-series database that stands beside a journal."""

import os
import sqlite3
from pathlib import Path
from typing import TYPE_CHECKING

import click

from api.cli import fail

if TYPE_CHECKING:
    from oracle.historian.influx import InfluxHistorian
    from oracle.journal.journal import Journal

EXIT_MISSING = 3


@click.group()
def historian() -> None:
    """Look after the time-series database that is filled from a journal."""


@historian.command()
@click.option(
    "--journal", "journal_path", required=True, type=click.Path(path_type=Path), metavar="J", help="The node's journal."
)
@click.option("--network", required=True, metavar="N", help="Network that the journal belongs to.")
@click.option(
    "--archive",
    "archives",
    multiple=True,
    type=click.Path(path_type=Path),
    metavar="A",
    help="Archive, or folder of archives, that envelopes of the journal were moved to. May be given more than once.",
)
@click.option("--influx-url", required=True, metavar="URL", help="InfluxDB 1.8 or 2: http://127.0.0.1:8086")
@click.option("--bucket", required=True, help="Bucket; in InfluxDB 1 the database, which is made if it is not there.")
@click.option(
    "--token-file",
    type=click.Path(path_type=Path),
    metavar="F",
    help="File with the API token (InfluxDB 1: user:password). Default: $INFLUX_TOKEN, if it is set.",
)
@click.option("--org", default="-", help="Organization, in InfluxDB 2.")
@click.option("--writer", default="node", show_default=True, help="Name of the node, which then goes on from here.")
def rebuild(  # noqa: PLR0913, PLR0917 - one for each option
    journal_path: Path,
    network: str,
    archives: tuple[Path, ...],
    influx_url: str,
    bucket: str,
    token_file: Path | None,
    org: str,
    writer: str,
) -> None:
    """Wipe the readings in a database and write them anew from a journal.

    Only Heliograph's own measurements are dropped. A node may go on running; so may others that share the bucket: they
    notice, and write their own again. Exit codes: 0 rebuilt, 2 bad input, 3 the database is not there or refuses.
    """
    # Heavy, and not needed for --help.
    from oracle.errors import JournalError
    from oracle.historian.influx import InfluxHistorian
    from oracle.historian.port import HistorianError
    from oracle.journal.journal import Journal

    if not journal_path.is_file():  # opening would make one
        return fail(f"{journal_path}: there is no such journal", 2)
    try:
        database = InfluxHistorian(influx_url, bucket, writer=writer, token=_token(token_file), org=org)
        journal = Journal.open(journal_path, network, archives)
    except (ValueError, JournalError) as error:
        return fail(str(error), 2)
    except OSError as error:
        return fail(f"{token_file}: cannot be read: {error.strerror}", 2)
    try:
        journal.require_archives()  # before anything is wiped
        rows = _rebuild(journal, database)
    except HistorianError as error:
        return fail(str(error), EXIT_MISSING)
    except (JournalError, sqlite3.Error) as error:
        return fail(f"{journal_path}: {error}", 2)
    finally:
        journal.close()
        database.close()
    click.echo(f"rebuilt {bucket} at {influx_url} from {journal_path}: {rows} rows")
    return None


def _rebuild(journal: "Journal", database: "InfluxHistorian") -> int:
    """Return the last journal row that was written."""
    from rich.console import Console
    from rich.progress import Progress

    from oracle.historian.projection import Projection

    projection = Projection(journal, database)
    with Progress(console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("rebuilding", total=projection.lag())
        database.wipe()
        projection.catch_up(lambda row: bar.update(task, completed=row))
    return projection.row


def _token(token_file: Path | None) -> str | None:
    return token_file.read_text(encoding="utf-8").strip() if token_file else os.environ.get("INFLUX_TOKEN")
