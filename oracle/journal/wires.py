"""Signed bytes of envelopes, wherever they are: in the journal, or in the archives that they were moved to."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import islice
from typing import TYPE_CHECKING, Any

from oracle.errors import JournalError
from oracle.journal.schema import BY_DIGEST

if TYPE_CHECKING:
    from oracle.journal.archives import Archives
    from oracle.journal.inspection import EnvelopeRow

DIGESTS_A_STEP = 4096
"""Named envelopes that are looked up together, so that an archive is read in its own order."""

_HERE = f"SELECT wire FROM envelope WHERE {BY_DIGEST}"  # noqa: S608  our words
_MOVED = "SELECT archived.seq, archived.link, name FROM archived JOIN archive ON archive.seq = part"

_LOOKUPS = (1, 8, 64)
"""How many digests one statement looks up: few statements, each prepared once."""


def _known_statement(count: int) -> str:
    """Which of `count` digests may be in the journal: those that begin like one in it."""
    prefixes = ", ".join(f"substr(?{place}, 1, 8)" for place in range(1, count + 1))
    return f"SELECT digest FROM envelope WHERE substr(digest, 1, 8) IN ({prefixes})"  # noqa: S608  question marks


def _archived_statement(count: int) -> str:
    """Which of `count` digests were moved to an archive."""
    places = ", ".join(f"?{place}" for place in range(1, count + 1))
    return f"SELECT digest FROM archived WHERE digest IN ({places})"  # noqa: S608  question marks


_KNOWN = {count: _known_statement(count) for count in _LOOKUPS}
_ARCHIVED = {count: _archived_statement(count) for count in _LOOKUPS}

Ask = Callable[..., list[tuple[Any, ...]]]
"""Runs a statement with its arguments and returns all rows."""


class Wires:
    """What a journal and its archives hold, as one."""

    def __init__(self, ask: Ask, archives: "Archives | None") -> None:
        self._ask = ask
        self._archives = archives
        self._found_parts = 0
        """Records of moved rows up to this one were found in the archives that are given."""

    def known(self, digests: Sequence[bytes]) -> set[bytes]:
        """Those of `digests` that are in the journal, or were moved from it to an archive."""
        found: set[bytes] = set()
        statements = [_KNOWN, _ARCHIVED] if self._ask("SELECT 1 FROM archived LIMIT 1") else [_KNOWN]
        at = 0
        while at < len(digests):
            count = max(count for count in _LOOKUPS if count <= len(digests) - at)
            for statement in statements:
                found.update(digest for (digest,) in self._ask(statement[count], *digests[at : at + count]))
            at += count
        found.intersection_update(digests)
        return found

    def of(self, digest: bytes) -> bytes | None:
        """Return an envelope as its device signed it, None if it was never here.

        Raises:
            JournalError: it was moved to an archive that is not given, or is damaged.

        """
        # The journal first: a row that is moved between the two questions is found by the second.
        for (wire,) in self._ask(_HERE, digest):
            return bytes(wire)
        for seq, link, name in self._ask(f"{_MOVED} WHERE digest = ?", digest):
            return self._row(seq, link, name).wire
        return None

    def of_all(self, digests: Iterable[bytes]) -> Iterator[bytes]:
        """Yield the named envelopes in that order. Raises JournalError for one that is not there."""
        remaining = iter(digests)
        while step := list(islice(remaining, DIGESTS_A_STEP)):
            found: dict[bytes, bytes] = {}
            moved = []
            for digest in step:
                for (wire,) in self._ask(_HERE, digest):
                    found[digest] = wire
                if digest not in found:
                    moved += [(*place, digest) for place in self._ask(f"{_MOVED} WHERE digest = ?", digest)]
            for seq, link, name, digest in sorted(moved):
                found[digest] = self._row(seq, link, name).wire
            for digest in step:
                if digest not in found:
                    raise JournalError(f"envelope {digest.hex()} is not in the journal")
                yield found[digest]

    def after(self, seq: int, limit: int) -> list[tuple[int, bytes]]:
        """Return up to `limit` (row number, wire) after row `seq`, ascending. Raises JournalError as `of` does."""
        here: dict[int, bytes] = dict(
            self._ask("SELECT seq, wire FROM envelope WHERE seq > ? ORDER BY seq LIMIT ?", seq, limit)
        )
        asked = self._ask(f"{_MOVED} WHERE archived.seq > ? ORDER BY archived.seq LIMIT ?", seq, limit)
        moved = {row: place for row, *place in asked if row not in here}
        if not moved:
            return list(here.items())
        rows = sorted({*here, *moved})[:limit]
        return [(row, here[row] if row in here else self._row(row, *moved[row]).wire) for row in rows]

    def of_meter(self, meter_id: str, start_ms: int, end_ms: int) -> list[bytes]:
        """Return one meter's envelopes that hold a reading in [start, end) [ms UTC], by first reading, then row number.

        Raises:
            JournalError: an archive is not given, or damaged.

        """
        query = "SELECT first_ms, seq, wire FROM envelope WHERE meter = ? AND first_ms < ? AND last_ms >= ?"
        found = {row[1]: row for row in self._ask(query, meter_id, end_ms, start_ms)}
        if self.moved():
            self.require_archives()
            for archive in self._archives or ():
                for seq in archive.of_meter(meter_id, start_ms, end_ms):
                    row = archive.row(seq)
                    kept = self._ask("SELECT link FROM archived WHERE seq = ?", seq)
                    if row is not None and kept == [(row.link,)]:  # else it never left this journal
                        found[seq] = (row.first_ms, seq, row.wire)
        return [wire for _, _, wire in sorted(found.values())]

    def moved(self) -> bool:
        """Whether any envelope was moved to an archive."""
        return bool(self._ask("SELECT 1 FROM archive LIMIT 1"))

    def require_archives(self) -> None:
        """Make sure that every archive is given.

        Raises:
            JournalError: one is not; the message names it.

        """
        parts = "SELECT archive.seq, archived.seq, archived.link, name FROM archive JOIN archived ON archived.seq = first_row"
        for part, seq, link, name in self._ask(
            f"{parts} WHERE archive.seq > ? ORDER BY archive.seq", self._found_parts
        ):
            self._row(seq, link, name)
            self._found_parts = part

    def _row(self, seq: int, link: bytes, name: str) -> "EnvelopeRow":
        if self._archives is None:
            raise JournalError(f"row {seq} was moved to archive {name}, which is not given here")
        return self._archives.row(seq, link, name)
