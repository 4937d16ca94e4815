"""Writers of one journal, in several processes, one after the other.

SQLite lets one write at a time and has the others ask again after a while; here they are woken when it is their turn.
The lock is the kernel's: it ends with its process, however that ends. Where there is no such lock, SQLite's is enough.
"""

import os
from pathlib import Path
from types import TracebackType

try:
    import fcntl
except ImportError:  # not a POSIX system
    fcntl = None  # type: ignore[assignment]

from oracle.errors import JournalError


class Turn:
    """`with turn:` waits for the turn and gives it back. For one thread at a time."""

    def __init__(self, journal: Path) -> None:
        self._path = journal.with_name(f"{journal.name}-turn")
        self._descriptor: int | None = None

    def __enter__(self) -> None:
        if fcntl is None:
            return
        try:
            if self._descriptor is None:
                self._descriptor = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
            fcntl.flock(self._descriptor, fcntl.LOCK_EX)
        except OSError as error:
            raise JournalError(f"{self._path}: cannot be locked: {error.strerror}") from error

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        if fcntl is not None and self._descriptor is not None:
            fcntl.flock(self._descriptor, fcntl.LOCK_UN)

    def close(self) -> None:
        """Close the lock's file."""
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None
