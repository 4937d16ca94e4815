"""Envelopes that left a journal, as a Parquet file (zstd): rows of the journal, each with the link of the row before it.

So each row can be checked by itself, and whoever knows the row's link from the journal knows that it is the row that was
moved. The file's key-value metadata names the format (`heliograph.archive`) and the network (`heliograph.network`).
"""

import threading
from collections import OrderedDict
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa  # type: ignore[import-untyped]  # untyped
import pyarrow.compute as pc  # type: ignore[import-untyped]  # untyped
import pyarrow.parquet as pq  # type: ignore[import-untyped]  # untyped

from oracle.errors import JournalError
from oracle.journal.inspection import EnvelopeRow, envelope_fault
from oracle.journal.links import next_link

FORMAT = b"1"
_FORMAT_KEY, _NETWORK_KEY = b"heliograph.archive", b"heliograph.network"
ROWS_A_GROUP = 1024
BYTES_A_GROUP = 8 << 20
"""A row group ends after so many bytes of envelopes [B], and is what is read at a time."""
GROUPS_KEPT = 4
"""Row groups kept in memory of one archive."""

_INTEGERS = ("boot", "first_sequence", "reading_count", "first_ms", "last_ms", "received_ms")
SCHEMA = pa.schema(
    [
        ("seq", pa.int64()),
        ("digest", pa.binary(32)),
        ("device", pa.string()),
        ("meter", pa.string()),
        *((name, pa.int64()) for name in _INTEGERS),
        ("wire", pa.binary()),
        ("link", pa.binary(32)),
        ("previous", pa.binary(32)),
    ]
)

LinkedRow = tuple[EnvelopeRow, bytes]
"""A row, and the link of the row before it."""


def is_archive(path: Path) -> bool:
    """Whether a file is an archive, sound or not. Raises OSError if it cannot be read."""
    with path.open("rb") as file:
        if file.read(4) != b"PAR1":
            return False
    try:
        return _FORMAT_KEY in (pq.read_schema(path).metadata or {})
    except (pa.ArrowException, OSError, ValueError):
        return False


def write_archive(path: Path, network: str, rows: Iterable[LinkedRow]) -> int:
    """Write rows, ascending by number; return how many. The file is not durable before it is synced.

    Raises:
        OSError: the disk refuses.

    """
    schema = SCHEMA.with_metadata({_FORMAT_KEY: FORMAT, _NETWORK_KEY: network.encode()})
    count = 0
    with pq.ParquetWriter(
        path,
        schema,
        compression="zstd",
        use_dictionary=["device", "meter"],  # no two of the others are alike
        write_statistics=False,  # smallest and largest envelope say nothing
        write_page_checksum=True,
    ) as writer:
        for group in _groups(rows):
            columns = zip(*((*row, previous) for row, previous in group), strict=True)
            writer.write_table(pa.table([pa.array(column) for column in columns], names=SCHEMA.names).cast(schema))
            count += len(group)
    return count


def _groups(rows: Iterable[LinkedRow]) -> Iterator[list[LinkedRow]]:
    group: list[LinkedRow] = []
    held = 0
    for linked in rows:
        group.append(linked)
        held += len(linked[0].wire)
        if len(group) == ROWS_A_GROUP or held >= BYTES_A_GROUP:
            yield group
            group, held = [], 0
    if group:
        yield group


class Archive:
    """An archive to read from. Safe to share between threads. Every row that it hands out fits its link."""

    def __init__(self, path: Path) -> None:
        """Open an archive.

        Raises:
            JournalError: it cannot be read, or is no archive.

        """
        self.path = path
        self._lock = threading.RLock()
        self._groups: OrderedDict[int, Any] = OrderedDict()
        with self._naming("the file"):
            self._file = pq.ParquetFile(path, page_checksum_verification=True)
            metadata = self._file.schema_arrow.metadata or {}
            if metadata.get(_FORMAT_KEY) != FORMAT or not self._file.schema_arrow.equals(SCHEMA):
                raise JournalError(f"{path}: is not an archive of a journal, or of a newer release")
            self.network: str = metadata[_NETWORK_KEY].decode()
            sizes = [self._file.metadata.row_group(i).num_rows for i in range(self._file.num_row_groups)]
            self._starts = np.concatenate(([0], np.cumsum(sizes, dtype=np.int64)))
            self._seqs = self._column("seq")
        if len(self._seqs) != self._starts[-1] or (np.diff(self._seqs) <= 0).any():
            raise JournalError(f"{path}: its row numbers do not ascend")

    def __len__(self) -> int:
        """Return the number of rows."""
        return len(self._seqs)

    def close(self) -> None:
        """Close the file."""
        self._file.close()

    def row(self, seq: int) -> EnvelopeRow | None:
        """Return the row of that number in the journal, None if it is not here. Raises JournalError if it is damaged."""
        place = int(np.searchsorted(self._seqs, seq))
        if place == len(self._seqs) or self._seqs[place] != seq:
            return None
        return self._linked(place)[0]

    def rows(self) -> Iterator[LinkedRow]:
        """Read all rows in order. Raises JournalError, with the row, at the first that is damaged."""
        for place in range(len(self)):
            yield self._linked(place)

    def of_meter(self, meter_id: str, start_ms: int, end_ms: int) -> list[int]:
        """Numbers of the rows of one meter that hold a reading in [start, end) [ms UTC], ascending."""
        with self._lock, self._naming("the file"):
            of_meter = pc.equal(self._file.read(["meter"]).column(0), meter_id).to_numpy()
            held = of_meter & (self._column("first_ms") < end_ms) & (self._column("last_ms") >= start_ms)
        return [int(seq) for seq in self._seqs[held]]

    def faults(self, on_row: Callable[[], object] = lambda: None) -> Iterator[str]:
        """Check every row: its link, its place, and what its device signed. Nothing if all is well."""
        for group, (first, end) in enumerate(pairwise(self._starts.tolist())):
            try:
                self._group(group)
            except JournalError as error:
                yield str(error)
                continue
            before: LinkedRow | None = None
            for place in range(first, end):
                on_row()
                try:
                    row, previous = self._linked(place)
                except JournalError as error:
                    yield str(error)
                    before = None
                    continue
                if before is not None and before[0].seq == row.seq - 1 and before[0].link != previous:
                    yield f"{self.path}: row {row.seq}: does not follow row {row.seq - 1}"
                if fault := envelope_fault(row, self.network):
                    yield f"{self.path}: row {row.seq}: {fault}"
                before = row, previous

    def _linked(self, place: int) -> LinkedRow:
        group = int(np.searchsorted(self._starts, place, side="right")) - 1
        table = self._group(group)
        index = place - int(self._starts[group])
        seq = int(self._seqs[place])
        with self._naming(f"row {seq}"):
            *cells, previous = (column[index].as_py() for column in table.columns)
        row = EnvelopeRow._make(cells)
        if not isinstance(previous, bytes) or row.link != next_link(previous, tuple(row[:-1])):
            raise JournalError(f"{self.path}: row {seq}: does not fit its link")
        return row, previous

    def _group(self, group: int) -> Any:  # noqa: ANN401  pyarrow is untyped
        with self._lock:
            if group not in self._groups:
                first, last = self._seqs[self._starts[group]], self._seqs[self._starts[group + 1] - 1]
                with self._naming(f"rows {first} to {last}"):
                    self._groups[group] = self._file.read_row_group(group).combine_chunks()
                if len(self._groups) > GROUPS_KEPT:
                    self._groups.popitem(last=False)
            self._groups.move_to_end(group)
            return self._groups[group]

    def _column(self, name: str) -> np.ndarray[Any, np.dtype[np.int64]]:
        column: np.ndarray[Any, np.dtype[np.int64]] = self._file.read([name]).column(0).to_numpy()
        return column

    @contextmanager
    def _naming(self, what: str) -> Iterator[None]:
        """Say of which file and which part of it an error is."""
        try:
            yield
        except (pa.ArrowException, OSError, ValueError) as error:
            reason = getattr(error, "strerror", None) or str(error).partition("\n")[0]
            raise JournalError(f"{self.path}: {what}: cannot be read: {reason}") from error
