"""The journal, written on into a time-series database: behind it, never in its way.

A projection reads what is committed and owes nobody an answer, so a database that is slow, down or gone delays no
acknowledgement. How far it has come is kept in the database itself: whoever wipes that wipes the progress with it, and
the projection begins again at the journal's first row.
"""

import threading
from collections.abc import Callable

from oracle.historian.port import HistorianError, Progress, WritableHistorian
from oracle.journal.journal import Journal

ENVELOPES_A_STEP = 100
"""Envelopes written before progress is recorded: at most 50 MB in memory, and as much to write again after a failure."""
FIRST_RETRY_S = 0.25
LONGEST_RETRY_S = 30.0
IDLE_S = 0.5
"""Pause before the journal is asked again when there was nothing new [s]."""


class Projection:
    """One journal into one database.

    Give it a journal opened for itself: one that is shared has one lock, and acknowledgements would wait for its reads.
    """

    def __init__(
        self,
        journal: Journal,
        historian: WritableHistorian,
        *,
        envelopes_a_step: int = ENVELOPES_A_STEP,
        longest_retry_s: float = LONGEST_RETRY_S,
        idle_s: float = IDLE_S,
    ) -> None:
        self._journal = journal
        self._historian = historian
        self._limit = envelopes_a_step
        self._longest_retry_s = longest_retry_s
        self._idle_s = idle_s
        self._row = 0
        self._last_error: str | None = None
        self._stopping = threading.Event()
        self._thread: threading.Thread | None = None

    @property
    def last_error(self) -> str | None:
        """Why the last attempt failed, None if it did not."""
        return self._last_error

    @property
    def row(self) -> int:
        """The last journal row known to be in the database, 0 before the first."""
        return self._row

    def start(self) -> None:
        """Write on in a thread until `stop`. It begins by asking the database how far it is, however long that takes."""
        if self._thread is None:
            self._stopping.clear()
            self._thread = threading.Thread(target=self._run, name="historian-projection", daemon=True)
            self._thread.start()

    def stop(self, timeout_s: float = 15.0) -> bool:
        """Stop after the request under way; True if it ended within the timeout [s]. What is not written waits."""
        self._stopping.set()
        if self._thread is not None:
            self._thread.join(timeout_s)
            if self._thread.is_alive():
                return False
            self._thread = None
        return True

    def lag(self) -> int:
        """Journal rows that are not yet known to be in the database."""
        return max(self._journal.last_row() - self._row, 0)

    def step(self) -> int:
        """Write the next envelopes; return how many, 0 if there are none left.

        Raises:
            HistorianError: the database is not there, refuses, or was filled from another journal.
            JournalError: the journal cannot be read.

        """
        # Asked anew each time: the database may have been wiped or restored since.
        progress = self._historian.progress() or self._historian.begin()
        batch = self._journal.envelopes_after(progress.row, self._limit)
        if not batch and progress.row > self._journal.last_row():
            raise HistorianError(
                f"the database says row {progress.row} is written, the journal ends before: rebuild it"
            )
        if batch:
            self._historian.write([envelope for _, envelope in batch])
            progress = Progress(progress.generation, batch[-1][0])
            self._historian.advance(progress)
        self._row = progress.row
        return len(batch)

    def catch_up(self, written: Callable[[int], None]) -> None:
        """Write all that is in the journal; `written` is told the row after each step. Raises as `step` does."""
        while self.step():
            written(self._row)

    def _run(self) -> None:
        pause_s = 0.0
        while not self._stopping.wait(pause_s):
            try:
                written = self.step()
            except Exception as error:  # noqa: BLE001  whatever breaks below, the projection lives on and says so
                self._last_error = f"{type(error).__name__}: {error}"
                pause_s = min(max(pause_s * 2, FIRST_RETRY_S), self._longest_retry_s)
            else:
                self._last_error = None
                pause_s = 0.0 if written else self._idle_s
