"""A node's journal, followed into the projection while the node writes it."""

import json
import logging
import time
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from api.projection.arrivals import (
    POWER_KEPT_MS,
    count_arrivals,
    keep_readings,
    look_for_stale_meters,
    prune_power,
)
from api.projection.booking import Booker
from api.projection.registration import BY_JOURNAL, forget_registry, write_registry
from api.projection.schema import JOURNAL_TABLES
from api.projection.source import JOURNAL, Follower, Sources
from api.projection.store import Store, Writing
from devices.telemetry import Envelope
from oracle.journal.following import FOLLOWED_TABLES, Arrival, Booking, FollowedJournal
from oracle.journal.records import ReportRecord
from oracle.metering.reasons import Reason
from oracle.metering.settlement import Standing

log = logging.getLogger(__name__)

BOOKINGS_A_STEP = 20_000
ARRIVALS_A_STEP = 5_000
REPORTS_A_STEP = 20
DECODED_ROWS = 50_000
"""So many of the newest envelopes are decoded for their power; of older ones the newest of each meter in a step."""
SWEEP_MS = 5_000
"""How often it is looked which meters have fallen silent [ms]."""


@dataclass(frozen=True)
class _Progress:
    """How far a journal was read, and what tells it from another."""

    rows: dict[str, int]
    """Last row that was read, by table."""
    links: dict[str, str | None]
    """Link of that row (hex)."""
    tallies: tuple[int, int] | None
    """(envelopes, readings) so far; None before the first look."""

    @classmethod
    def read(cls, text: str | None) -> "_Progress":
        """Read what `text` wrote; nothing was read before the first time."""
        if text is None:
            return cls(dict.fromkeys(FOLLOWED_TABLES, 0), {}, None)
        document = json.loads(text)
        return cls(document["rows"], document["links"], tuple(document["tallies"]))

    def text(self) -> str:
        """Write it down."""
        return json.dumps({"rows": self.rows, "links": self.links, "tallies": self.tallies})


@dataclass(frozen=True)
class _New:
    """What a journal has that was not read yet, at one moment."""

    reports: list[tuple[int, bytes, ReportRecord]]
    disabled: list[tuple[int, int]]
    bookings: list[Booking]
    arrivals: list[Arrival]
    decoded: dict[int, Envelope]
    """By row."""

    def __bool__(self) -> bool:
        """Whether there is anything."""
        return bool(self.reports or self.disabled or self.bookings or self.arrivals)

    def reached(self, rows: dict[str, int]) -> dict[str, int]:
        """Last rows that are read when it is written."""
        ends = {
            "report": self.reports[-1][0] if self.reports else None,
            "disabled": self.disabled[-1][0] if self.disabled else None,
            "entry": self.bookings[-1].seq if self.bookings else None,
            "envelope": self.arrivals[-1].seq if self.arrivals else None,
        }
        return {table: rows[table] if end is None else end for table, end in ends.items()}


class JournalFollower(Follower):
    """Reads what is new in a journal: reports, entries, envelopes."""

    name = JOURNAL

    def __init__(  # noqa: PLR0913  where the journal is, and how it is followed
        self,
        store: Store,
        sources: Sources,
        path: Path,
        network: str,
        archives: Iterable[Path] = (),
        *,
        stale_after_s: int = 3 * 3600,
        idle_s: float = 0.5,
    ) -> None:
        """Follow the journal at a path; it need not be there yet.

        Args:
            store: the projection's.
            sources: where it is noted how fresh the journal is.
            path: of the journal.
            network: whose envelopes it holds.
            archives: files and folders that its envelopes were moved to.
            stale_after_s: a meter from which nothing has arrived for so long has fallen silent [s].
            idle_s: pause before the journal is asked again when there was nothing new [s].

        """
        super().__init__(sources, idle_s)
        self._store = store
        self._path = path
        self._network = network
        self._archives = tuple(archives)
        self._stale_after_ms = stale_after_s * 1000
        self._journal: FollowedJournal | None = None
        self._swept_ms = 0

    def leave(self) -> None:
        """Close the journal."""
        if self._journal is not None:
            self._journal.close()
            self._journal = None

    def step(self) -> bool:
        """Read on; whether there is more.

        Raises:
            JournalError: the journal is not there, or cannot be read.

        """
        journal = self._opened()
        row = self._store.reader().execute("SELECT content FROM meta WHERE name = 'journal'").fetchone()
        done = _Progress.read(row[0] if row else None)
        with journal.moment():
            if why := _other_journal(journal, done):
                self._begin_anew(why)
                return True
            new = self._read(journal, done.rows)
            reached = new.reached(done.rows)
            links = {table: _link(journal, table, seq) for table, seq in reached.items()}
            last_row = journal.last_row("envelope")
            tallies = journal.tallies_to(reached["envelope"]) if done.tallies is None else done.tallies
        if done.tallies is not None:
            readings = sum(arrival.reading_count for arrival in new.arrivals)
            tallies = tallies[0] + len(new.arrivals), tallies[1] + readings
        more = len(new.reports) == REPORTS_A_STEP or bool(new.bookings) or len(new.arrivals) == ARRIVALS_A_STEP
        is_sweeping = not more and _now_ms() - self._swept_ms >= SWEEP_MS
        if new or is_sweeping or done.tallies is None:
            with self._store.writing() as writing:
                self._write_reports(writing, new.reports, new.disabled)
                self._write_bookings(writing, new.bookings)
                count_arrivals(writing, new.arrivals)
                rows = [(arrival, new.decoded[arrival.seq]) for arrival in new.arrivals if arrival.seq in new.decoded]
                keep_readings(writing, rows, tell=not more)
                self._note_power_kept(writing, rows, new.arrivals, last_row)
                if is_sweeping:
                    look_for_stale_meters(writing, _now_ms(), self._stale_after_ms)
                writing.put("journal", _Progress(reached, links, tallies).text())
            self._swept_ms = _now_ms() if is_sweeping else self._swept_ms
        return more

    def _opened(self) -> FollowedJournal:
        if self._journal is not None and not self._journal.is_in_place():
            self.leave()
        if self._journal is None:
            self._journal = FollowedJournal.open(self._path, self._network, self._archives)
        return self._journal

    @staticmethod
    def _read(journal: FollowedJournal, rows: dict[str, int]) -> _New:
        reports = journal.reports_after(rows["report"], REPORTS_A_STEP)
        all_reports = len(reports) < REPORTS_A_STEP
        # An entry is of a report before it, which says where its asset's days begin.
        bookings = _whole_reports(journal.bookings_after(rows["entry"], BOOKINGS_A_STEP)) if all_reports else []
        disabled = journal.disabled_after(rows["disabled"], REPORTS_A_STEP) if all_reports else []
        arrivals = journal.arrivals_after(rows["envelope"], ARRIVALS_A_STEP)
        recent = journal.last_row("envelope") - DECODED_ROWS
        newest = {(one.device, one.meter): one.seq for one in sorted(arrivals, key=lambda one: one.last_ms)}
        wanted = {one.seq for one in arrivals if one.seq > recent} | set(newest.values())
        decoded = {seq: envelope for seq in sorted(wanted) if (envelope := journal.envelope_at(seq)) is not None}
        return _New(reports, disabled, bookings, arrivals, decoded)

    def _begin_anew(self, why: str) -> None:
        """Forget what was read: it was of another journal."""
        log.warning("%s: %s; what is shown of it is made anew", self._path, why)
        with self._store.writing() as writing:
            for table in JOURNAL_TABLES:
                writing.connection.execute(f"DELETE FROM {table}")  # noqa: S608  our names
            writing.connection.execute("DELETE FROM meta WHERE name IN ('journal', 'power_from_ms')")
            writing.connection.execute(
                "DELETE FROM event WHERE kind IN ('reading', 'withheld', 'meter_stale', 'meter_back')"
            )
            forget_registry(writing, BY_JOURNAL)
            writing.touch_all()
        self._sources.remark(self.name, f"the journal {why}; what is shown of it was made anew")

    @staticmethod
    def _write_reports(
        writing: Writing, reports: Sequence[tuple[int, bytes, ReportRecord]], disabled: Sequence[tuple[int, int]]
    ) -> None:
        for _, digest, record in reports:
            report = record.report
            writing.connection.execute(
                f"INSERT OR REPLACE INTO journal_report VALUES ({', '.join('?' * 11)}, 0)",  # noqa: S608  question marks
                (
                    report.epoch, digest, report.prev, report.cutoff_s, report.config_digest, report.root, report.leaf_count,
                    str(report.totals.energy_wh), str(report.totals.credits_g), str(report.totals.revenue_minor),
                    b"".join(record.signatures),
                ),
            )  # fmt: skip
        if reports:
            record = reports[-1][2]  # no report knows fewer assets than the one before
            write_registry(writing, record.projects, record.assets, record.meters, BY_JOURNAL)
        for _, epoch in disabled:
            writing.connection.execute("UPDATE journal_report SET disabled = 1 WHERE epoch = ?", (epoch,))
        if reports or disabled:
            writing.touch_all()

    @staticmethod
    def _write_bookings(writing: Writing, bookings: Sequence[Booking]) -> None:
        if not bookings:
            return
        Booker(writing).book(bookings)
        held: dict[tuple[int, str, int, str], int] = defaultdict(int)
        for one in bookings:
            if one.standing != Standing.ATTESTED and one.reason != Reason.UNCORROBORATED:
                held[one.epoch, one.asset_id, one.standing, one.reason] += one.energy_wh
        for (epoch, asset_id, standing, reason), wh in held.items():
            if wh > 0:
                query = "SELECT cutoff_s FROM journal_report WHERE epoch = ?"
                row = writing.connection.execute(query, (epoch,)).fetchone()
                document = {"epoch": epoch, "standing": Standing(standing).name.lower(), "reason": reason, "wh": wh}
                writing.tell("withheld", writing.asset(asset_id), row[0] * 1000 if row else _now_ms(), document)

    @staticmethod
    def _note_power_kept(
        writing: Writing, decoded: Sequence[tuple[Arrival, Envelope]], arrivals: Sequence[Arrival], last_row: int
    ) -> None:
        """Say from when on power is kept of everything: days before it are read from the journal itself."""
        if not arrivals:
            return
        left_out = arrivals[0].seq <= last_row - DECODED_ROWS
        known = writing.get("power_from_ms")
        if left_out or known is None:
            from_ms = max(arrival.last_ms for arrival in arrivals) + 1 if left_out else 0
            writing.put("power_from_ms", str(max(int(known or 0), from_ms)))
        newest_ms = max((min(one.last_ms, one.received_ms) for one, _ in decoded), default=0)
        floor_ms = newest_ms - POWER_KEPT_MS
        if floor_ms > int(writing.get("power_from_ms") or 0) + POWER_KEPT_MS // 8:
            prune_power(writing, floor_ms)
            writing.put("power_from_ms", str(floor_ms))


def _whole_reports(bookings: list[Booking]) -> list[Booking]:
    """Leave the last report's entries for the next step where some of them may be missing, unless they are all there are."""
    if len(bookings) < BOOKINGS_A_STEP or bookings[0].epoch == bookings[-1].epoch:
        return bookings
    last = bookings[-1].epoch
    end = next(place for place in range(len(bookings) - 1, -1, -1) if bookings[place].epoch != last) + 1
    return bookings[:end]


def _other_journal(journal: FollowedJournal, done: _Progress) -> str | None:
    """Say why the journal cannot be the one that was read so far; None if it is."""
    for table, seq in done.rows.items():
        kept = done.links.get(table)
        if not seq or kept is None:
            continue
        if _link(journal, table, seq) != kept:
            return f"is another journal than before: row {seq} of its {table}s is not the one that was read"
    return None


def _link(journal: FollowedJournal, table: str, seq: int) -> str | None:
    link = journal.link_at(table, seq) if seq else None
    return None if link is None else link.hex()


def _now_ms() -> int:
    return time.time_ns() // 1_000_000
