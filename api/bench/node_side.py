"""The system under load: one node's head-end workers and journal, in a process tree of their own."""

import time
from multiprocessing.connection import Connection
from pathlib import Path

from api.bench import fleet
from api.bench.children import child
from devices.device_key import SigningKey
from oracle.headend.workers import HeadEndWorkers
from oracle.journal.journal import Journal
from oracle.reporting.registry import RegistrySnapshot

CONNECT_S = 20.0


def clock_ms() -> int:
    """Now [ms UTC]."""
    return time.time_ns() // 1_000_000


@child
def serve(connection: Connection, journal: Path, port: int, registry: RegistrySnapshot, workers: int) -> None:
    """Hear and journal until told to stop; then send the tally.

    Sends the node's public key (algorithm, bytes) once it hears, and (envelopes, duplicates, refused, messages turned away) at
    the end.
    """
    Journal.open(journal, fleet.NETWORK).close()
    key = SigningKey.generate()
    node = HeadEndWorkers(
        node=fleet.NODE,
        network=fleet.NETWORK,
        journal=journal,
        broker_url=f"mqtt://127.0.0.1:{port}",
        ack_key=key,
        registry=registry,
        clock_ms=clock_ms,
        workers=workers,
    )
    try:
        node.start()
        if not node.wait_connected(CONNECT_S):
            raise ConnectionError(f"the node does not reach the broker within {CONNECT_S:g} s")
        connection.send((key.public.alg, key.public.raw))
        connection.recv()
    finally:
        node.stop()
    tally = node.tally
    connection.send((tally.envelopes, tally.duplicates, tally.refused, tally.shed))
