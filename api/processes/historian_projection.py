"""A node's projection into a time-series database, put together from the configuration and kept beside the node."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from api.configuration.node import NodeConfig
from oracle.historian.influx import InfluxHistorian
from oracle.historian.projection import Projection
from oracle.journal.journal import Journal

log = logging.getLogger(__name__)

TIMEOUT_MS = 3000
"""One request takes no longer [ms], so that a stop need not wait for a database that hangs."""
STOP_S = 0.3
"""What a stop waits at its end; the projection was asked to stop before the head-end was [s]."""


@contextmanager
def projecting(config: NodeConfig) -> Iterator[Projection | None]:
    """Write the node's journal on into its database while the context lasts; None if it has no database.

    The journal is opened anew for it, so that nobody who commits waits for its reads.

    Raises:
        ConfigError: the token cannot be read.
        JournalError: the journal cannot be opened.

    """
    settings = config.historian
    if settings is None:
        yield None
        return
    node = config.node
    database = InfluxHistorian(
        settings.url,
        settings.bucket,
        writer=node.name,
        token=settings.load_token(),
        org=settings.org,
        timeout_ms=TIMEOUT_MS,
    )
    journal = Journal.open(node.journal, node.network, archives=[node.archives_folder])
    projection = Projection(journal, database)
    projection.start()
    log.info("writes readings on into bucket %s at %s", settings.bucket, settings.url)
    try:
        yield projection
    finally:
        if projection.stop(STOP_S):
            database.close()
            journal.close()
        else:
            log.info("left a request to the time-series database to itself; it is made again at the next start")


def figures(projection: Projection) -> dict[str, Any]:
    """How far the database is, and what is wrong with it."""
    error = projection.last_error
    return {"row": projection.row, "lag_rows": projection.lag(), "well": error is None, "last_error": error}
