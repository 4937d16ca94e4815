"""How fresh each source is, and the thread that follows one."""

import logging
import threading
import time
from abc import ABC, abstractmethod
from dataclasses import dataclass

from api.projection.instants import instant
from api.projection.store import Store
from api.projection.views import Freshness
from api.projection.views import Source as SourceView
from oracle.errors import OracleError

log = logging.getLogger(__name__)

JOURNAL, CHAIN, NODE = "journal", "chain", "node"
STALE_AFTER_MS = 15_000
"""A source that has not answered for so long is stale, though no fault is known of it."""
SAVED_EVERY_MS = 10_000
"""How often it is written down that a source still answers."""
FIRST_RETRY_S = 0.25
LONGEST_RETRY_S = 10.0


@dataclass
class _Source:
    fresh_ms: int | None = None
    stale_ms: int | None = None
    fault: str | None = None
    remark: str | None = None
    saved_ms: int = 0
    caught_up: float = 0.0
    """When the look began that found nothing left to read (monotonic) [s]."""
    is_followed: bool = False


class Sources:
    """What is known of journal and chain. Written down now and then, so that a restart knows it, too."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._lock = threading.Lock()
        self._sources = {JOURNAL: _Source(), CHAIN: _Source(), NODE: _Source()}
        self._is_node_watched = False
        rows = store.reader().execute("SELECT name, fresh_ms, stale_ms, fault, remark FROM source").fetchall()
        for name, *known in rows:
            self._sources[name] = _Source(*known)

    def follow(self, name: str, *, going_on: bool) -> None:
        """Say whether somebody reads the source as it grows."""
        self._sources[name].is_followed = going_on

    def watch_node(self) -> None:
        """Say that somebody looks whether the node answers: from now on it is shown beside the sources."""
        self._is_node_watched = True

    def answered(self, name: str, began: float) -> None:
        """Note that all a source has was read, in a look that began at `began` (monotonic) [s]."""
        source = self._sources[name]
        now_ms = _now_ms()
        with self._lock:
            was_away = source.fault is not None or source.stale_ms is not None
            source.fresh_ms, source.stale_ms, source.fault = now_ms, None, None
            source.caught_up = began
        if was_away:
            log.info("%s: answers again", name)
        if was_away or now_ms - source.saved_ms > SAVED_EVERY_MS:
            self._save(name, source)
        with self._store.changed:
            self._store.changed.notify_all()

    def failed(self, name: str, why: str) -> None:
        """Note that a source does not answer, or not as it should."""
        source = self._sources[name]
        with self._lock:
            is_new = source.fault != why
            source.fault = why
            source.stale_ms = source.stale_ms or source.fresh_ms or _now_ms()
        if is_new:
            log.warning("%s: %s", name, why)
            self._save(name, source)

    def remark(self, name: str, what: str) -> None:
        """Note something about a source that its readers should know, though it answers."""
        self._sources[name].remark = what
        self._save(name, self._sources[name])

    def freshness(self) -> Freshness:
        """Both sources, as they are shown, and the node where it is watched."""
        node = self._view(NODE) if self._is_node_watched else None
        return Freshness(journal=self._view(JOURNAL), chain=self._view(CHAIN), node=node)

    def caught_up_since(self, moment: float) -> bool:
        """Whether every followed source was read to its end in a look that began after a moment (monotonic) [s]."""
        return all(source.caught_up >= moment for source in self._sources.values() if source.is_followed)

    def _view(self, name: str) -> SourceView:
        with self._lock:
            source = self._sources[name]
            fresh_ms, stale_ms, fault, remark = source.fresh_ms, source.stale_ms, source.fault, source.remark
        if stale_ms is None and fresh_ms is not None and _now_ms() - fresh_ms > STALE_AFTER_MS:
            stale_ms = fresh_ms
        return SourceView(
            fresh_at=None if fresh_ms is None else instant(fresh_ms),
            stale_since=None if stale_ms is None else instant(stale_ms),
            fault=fault,
            remark=remark,
        )

    def _save(self, name: str, source: _Source) -> None:
        with self._store.writing() as writing:
            row = (name, source.fresh_ms, source.stale_ms, source.fault, source.remark)
            writing.connection.execute("INSERT OR REPLACE INTO source VALUES (?, ?, ?, ?, ?)", row)
        source.saved_ms = _now_ms()


class Follower(ABC):
    """A thread that reads one source, in steps, until it is stopped. A source that is away is tried again and again."""

    name: str

    def __init__(self, sources: Sources, idle_s: float) -> None:
        self._sources = sources
        self._idle_s = idle_s
        self._stopping = threading.Event()
        self._poked = threading.Event()
        self._thread: threading.Thread | None = None

    @abstractmethod
    def step(self) -> bool:
        """Read on; whether there is more. Raises OracleError, or whatever the libraries below do."""

    @abstractmethod
    def leave(self) -> None:
        """Let go of the source; it is taken up again at the next step."""

    def start(self) -> None:
        """Follow in a thread until `stop`."""
        if self._thread is None:
            self._stopping.clear()
            self._sources.follow(self.name, going_on=True)
            self._thread = threading.Thread(target=self._run, name=f"follows-{self.name}", daemon=True)
            self._thread.start()

    def poke(self) -> None:
        """Look at once instead of at the end of the pause."""
        self._poked.set()

    def stop(self, timeout_s: float = 15.0) -> bool:
        """Stop after the step under way; True if it ended within the timeout [s]."""
        self._stopping.set()
        self._poked.set()
        if self._thread is not None:
            self._thread.join(timeout_s)
            if self._thread.is_alive():
                return False
            self._thread = None
            self._sources.follow(self.name, going_on=False)
        self.leave()
        return True

    def catch_up(self) -> None:
        """Read to the end, in the caller's thread. Raises as `step` does."""
        began = time.monotonic()
        while self.step():
            began = time.monotonic()
        self._sources.answered(self.name, began)

    def _run(self) -> None:
        pause_s = 0.0
        while not self._stopping.is_set():
            if self._poked.wait(pause_s):
                self._poked.clear()
                if self._stopping.is_set():
                    return
            began = time.monotonic()
            try:
                more = self.step()
                if not more:
                    self._sources.answered(self.name, began)
            except Exception as error:  # noqa: BLE001  whatever breaks below, the follower lives on and says so
                self._fail(error)
                pause_s = min(max(pause_s * 2, FIRST_RETRY_S), LONGEST_RETRY_S)
            else:
                pause_s = 0.0 if more else self._idle_s

    def _fail(self, error: Exception) -> None:
        if isinstance(error, OracleError):
            why = str(error)
        elif isinstance(error, OSError):  # its text may hold the URL, and that a key
            why = f"the {self.name} does not answer: {type(error).__name__}"
        else:
            why = f"the {self.name} cannot be read: {type(error).__name__}: {str(error)[:300]}"
            log.debug("%s", why, exc_info=error)
        try:
            self.leave()
            self._sources.failed(self.name, why)
        except Exception:
            log.exception("%s: cannot even say what is wrong", self.name)


def _now_ms() -> int:
    return time.time_ns() // 1_000_000
