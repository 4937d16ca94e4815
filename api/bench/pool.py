"""The signed envelopes of a run, in files: made once, mapped into memory by whoever needs them."""

import mmap
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from api.bench.fleet import DEVICES

DIGEST_BYTES = 32


@dataclass(frozen=True)
class Pool:
    """Envelopes by number. Envelope e is number e // DEVICES of device e mod DEVICES."""

    wires: tuple[mmap.mmap, ...]
    """Files of concatenated envelopes."""
    shard: NDArray[np.int64]
    """Shape (n,). Which file an envelope is in."""
    start: NDArray[np.int64]
    """Shape (n,). Where in it."""
    length: NDArray[np.int64]
    """Shape (n,). Its bytes."""
    digests: NDArray[np.uint8]
    """Shape (n, 32)."""

    def __len__(self) -> int:
        return len(self.start)

    def wire(self, envelope: int) -> bytes:
        """Bytes of one envelope as they travel."""
        start = int(self.start[envelope])
        wire: bytes = self.wires[self.shard[envelope]][start : start + int(self.length[envelope])]
        return wire


def shard_paths(folder: Path, name: str, shard: int) -> tuple[Path, Path]:
    """(wires, index) of one shard: the index holds (number, start, length) and the digest of each envelope."""
    return folder / f"{name}-{shard}.envelopes", folder / f"{name}-{shard}.npz"


def load(folder: Path, name: str, shards: int) -> Pool:
    """Map a signed pool into memory."""
    indices = []
    wires = []
    for shard in range(shards):
        path, index = shard_paths(folder, name, shard)
        with np.load(index) as stored:
            indices.append((stored["rows"], stored["digests"]))
        with path.open("rb") as file:
            wires.append(
                mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) if path.stat().st_size else mmap.mmap(-1, 1)
            )
    rows = np.concatenate([rows for rows, _ in indices])
    order = np.argsort(rows[:, 0])
    shard_of = np.repeat(np.arange(shards), [len(rows) for rows, _ in indices])
    digests = np.concatenate([digests for _, digests in indices])
    return Pool(tuple(wires), shard_of[order], rows[order, 1], rows[order, 2], digests[order])


def of_device(device: int, envelopes: int) -> int:
    """How many of the first `envelopes` belong to a device."""
    return len(range(device, envelopes, DEVICES))
