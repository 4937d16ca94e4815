"""The archives that stand beside a journal."""

import threading
from collections.abc import Iterable, Iterator
from pathlib import Path

from oracle.errors import JournalError
from oracle.journal.archive import Archive
from oracle.journal.inspection import EnvelopeRow

SUFFIX = ".parquet"


class Archives:
    """Archives given by name, and all `*.parquet` of folders. A folder is looked into again when a row is not found."""

    def __init__(self, places: Iterable[Path], network: str) -> None:
        """Open what is there; a folder that is not there yet is empty.

        Raises:
            JournalError: an archive cannot be read, is none, or is of another network.

        """
        self._places = tuple(places)
        self._network = network
        self._lock = threading.Lock()
        self._opened: dict[Path, Archive] = {}
        self._look()

    def __iter__(self) -> Iterator[Archive]:
        """Iterate over the archives that are open."""
        return iter(list(self._opened.values()))

    def row(self, seq: int, link: bytes, name: str) -> EnvelopeRow:
        """Return a moved row, which the journal knows by its number and its link.

        Raises:
            JournalError: no archive has that very row; `name` is the one it went to.

        """
        found = self.find(seq, link)
        if found is None:
            raise JournalError(f"row {seq} was moved to archive {name}, which is not given here")
        return found

    def find(self, seq: int, link: bytes) -> EnvelopeRow | None:
        """Return a moved row, or None if no archive has that very row. Raises JournalError if its archive is damaged."""
        for archive in self:
            row = archive.row(seq)
            if row is not None and row.link == link:
                return row
        for archive in self._look():
            row = archive.row(seq)
            if row is not None and row.link == link:
                return row
        return None

    def close(self) -> None:
        """Close all files."""
        for archive in self:
            archive.close()

    def _look(self) -> list[Archive]:
        """Open what has come since; return it."""
        with self._lock:
            fresh = {path: Archive(path) for path in self._files() if path not in self._opened}
            for archive in fresh.values():
                if archive.network != self._network:
                    raise JournalError(
                        f"{archive.path}: is an archive of network {archive.network}, not of {self._network}"
                    )
            self._opened |= fresh
            return list(fresh.values())

    def _files(self) -> list[Path]:
        found: list[Path] = []
        for place in self._places:
            if place.is_dir():
                found += sorted(place.glob(f"*{SUFFIX}"))
            elif place.exists() or place.suffix == SUFFIX:
                found.append(place)
        return found
