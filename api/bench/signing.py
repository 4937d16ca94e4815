"""Signs the envelopes of a run beforehand, on all cores, into files."""

import multiprocessing
import os
from collections.abc import Callable
from dataclasses import dataclass
from multiprocessing.connection import Connection, wait
from pathlib import Path

import numpy as np

from api.bench import fleet
from api.bench.children import child, spawned
from api.bench.pool import DIGEST_BYTES, Pool, load, of_device, shard_paths
from devices.device_key import Algorithm
from devices.device_signer import DeviceSigner

GOOD, BAD = "good", "bad"
SPOILT_BYTE = -24
"""Place of the byte of a bad envelope's signature in which one bit is turned: in the middle of s, so that s stays low."""
_TOLD_EVERY = 500


@dataclass(frozen=True)
class SigningJob:
    """What all signing processes know."""

    folder: Path
    algorithm: Algorithm
    batch: int
    start_ms: int
    good: int
    bad: int
    shards: int


def sign_pools(job: SigningJob, on_progress: Callable[[int, int], None]) -> tuple[Pool, Pool]:
    """Sign all envelopes, good and bad, and return them mapped into memory.

    The files are on disk before it returns: writing them back would otherwise compete with the journal under load.
    """
    done = 0
    with spawned() as children:
        open_ends = [children.start(f"signer-{shard}", _sign, job, shard) for shard in range(job.shards)]
        while open_ends:
            for connection in wait(open_ends):
                if not isinstance(connection, Connection):
                    continue
                try:
                    done += int(connection.recv())
                except EOFError:
                    open_ends.remove(connection)
                on_progress(done, job.good + job.bad)
        children.join()
    return load(job.folder, GOOD, job.shards), load(job.folder, BAD, job.shards)


@child
def _sign(connection: Connection, job: SigningJob, shard: int) -> None:
    devices = range(shard, fleet.DEVICES, job.shards)
    _write(connection, job, shard, GOOD, {device: of_device(device, job.good) for device in devices})
    _write(connection, job, shard, BAD, {device: of_device(device, job.bad) for device in devices})


def _write(connection: Connection, job: SigningJob, shard: int, name: str, counts: dict[int, int]) -> None:
    rows: list[tuple[int, int, int]] = []
    digests = bytearray()
    wires_path, index_path = shard_paths(job.folder, name, shard)
    told = at = 0
    with wires_path.open("wb") as file:
        for device, count in counts.items():
            signer = DeviceSigner(
                fleet.device_name(device),
                fleet.meter_name(device),
                fleet.device_key(device, job.algorithm),
                fleet.NETWORK,
                boot=fleet.BOOT if name == GOOD else fleet.FORGED_BOOT,
            )
            for number in range(count):
                envelope = signer.sign(fleet.readings(device, number * job.batch, job.batch, job.start_ms))
                file.write(envelope.wire if name == GOOD else spoil(envelope.wire))
                rows.append((device + number * fleet.DEVICES, at, len(envelope.wire)))
                digests += envelope.digest
                at += len(envelope.wire)
                if len(rows) - told == _TOLD_EVERY:
                    told = len(rows)
                    connection.send(_TOLD_EVERY)
        file.flush()
        os.fsync(file.fileno())
    np.savez(
        index_path,
        rows=np.array(rows, dtype=np.int64).reshape(-1, 3),
        digests=np.frombuffer(bytes(digests), np.uint8).reshape(-1, DIGEST_BYTES),
    )
    connection.send(len(rows) - told)


def spoil(wire: bytes) -> bytes:
    """Turn one bit of an envelope's signature."""
    spoilt = bytearray(wire)
    spoilt[SPOILT_BYTE] ^= 1
    return bytes(spoilt)


def shards() -> int:
    """How many processes sign: one a core."""
    return multiprocessing.cpu_count()
