"""After a run: every good reading is in the journal exactly once, byte for byte, and nothing else; or what is not so."""

import random
import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from api.bench import fleet
from api.bench.pool import Pool, of_device
from devices.telemetry import TelemetryError, decode, verify_signature
from oracle.journal.links import broken_links

SIGNATURES_CHECKED = 500
"""Rows whose signature is verified once more; links and bytes are checked on all of them."""


@dataclass(frozen=True)
class JournalFindings:
    """What the journal holds, against what was offered."""

    lost: int
    """Good readings, by (device, boot epoch, sequence), that are not there."""
    doubled: int
    """Times that a reading is there beyond the first."""
    envelopes: int
    failures: tuple[str, ...]
    """In words; empty if all is well."""


def check_journal(path: Path, pool: Pool, good: int, batch: int) -> JournalFindings:
    """Compare a journal with the first `good` envelopes of a pool."""
    connection = sqlite3.connect(path)
    try:
        failures = [f"journal row {seq} does not fit its link" for seq in broken_links(connection, "envelope")[:3]]
        ranges, foreign = _compare(connection, pool, good)
    finally:
        connection.close()
    if foreign:
        failures.append(f"{foreign} journal rows are not what was signed and sent as good")
    failures += _unsound(path, ranges.rows)
    lost, doubled = ranges.count(good, batch)
    return JournalFindings(lost, doubled, ranges.rows, (*failures, *_said(lost, doubled)))


def _said(lost: int, doubled: int) -> Iterator[str]:
    if lost:
        yield f"{lost} readings are lost: sent, and not in the journal"
    if doubled:
        yield f"{doubled} readings are in the journal more than once"


class _Ranges:
    """Sequence numbers that a journal holds, by device."""

    def __init__(self) -> None:
        self.rows = 0
        self._of: dict[str, list[tuple[int, int]]] = {}

    def add(self, device: str, boot: int, first: int, readings: int) -> None:
        self.rows += 1
        if boot == fleet.BOOT:
            self._of.setdefault(device, []).append((first, readings))

    def count(self, good: int, batch: int) -> tuple[int, int]:
        """(readings that are missing, readings that are there beyond the first time)."""
        lost = doubled = 0
        for device in range(fleet.DEVICES):
            expected = of_device(device, good) * batch
            held = np.array(self._of.get(fleet.device_name(device), []), dtype=np.int64).reshape(-1, 2)
            length = max(expected, int(held.sum(axis=1).max(initial=0)))
            steps = np.zeros(length + 1, dtype=np.int64)
            np.add.at(steps, held[:, 0], 1)
            np.add.at(steps, held.sum(axis=1), -1)
            times = np.cumsum(steps[:-1])
            lost += int((times[:expected] == 0).sum())
            doubled += int(np.maximum(times - 1, 0).sum())
        return lost, doubled


def _compare(connection: sqlite3.Connection, pool: Pool, good: int) -> tuple[_Ranges, int]:
    """(what is there, rows that are not a good envelope as it was sent)."""
    number_of = {pool.digests[envelope].tobytes(): envelope for envelope in range(good)}
    ranges, foreign = _Ranges(), 0
    columns = "SELECT digest, device, boot, first_sequence, reading_count, wire FROM envelope"
    row: tuple[Any, ...]
    for row in connection.execute(columns):
        digest, device, boot, first, readings, wire = row
        ranges.add(device, boot, first, readings)
        envelope = number_of.get(digest)
        if envelope is None or wire != pool.wire(envelope):
            foreign += 1
    return ranges, foreign


def _unsound(path: Path, rows: int) -> list[str]:
    """Decode and verify a sample of rows, and hold it against what the row says."""
    chosen = random.Random(rows).sample(range(1, rows + 1), min(rows, SIGNATURES_CHECKED))  # noqa: S311 - a sample
    found = []
    connection = sqlite3.connect(path)
    try:
        for seq in chosen:
            columns = (
                "SELECT digest, device, meter, boot, first_sequence, reading_count, wire FROM envelope WHERE seq = ?"
            )
            *said, wire = connection.execute(columns, (seq,)).fetchone()
            try:
                envelope = decode(wire, network=fleet.NETWORK)
                verify_signature(envelope)
            except TelemetryError as error:
                found.append(f"journal row {seq}: {error.reason}")
                continue
            signed = [envelope.digest, envelope.device, envelope.meter, envelope.boot, envelope.first_sequence]
            if said != [*signed, len(envelope.readings.time_ms)]:
                found.append(f"journal row {seq} does not say what its device signed")
    finally:
        connection.close()
    return found[:3]
