"""When the time is known, and when something was that happened before. Pure: the clocks are arguments.

A gateway without a battery clock boots in 1970, or at the hour of its last shutdown, until the network tells it the time.
A reading that it takes meanwhile gets the instant of a clock that only counts, and its date later.
"""

from collections.abc import Callable

RELEASE_MS = 1_767_225_600_000
"""2026-01-01: this release is younger, so a clock that shows less is wrong [ms since 1970]."""


class TrustedTime:
    """The present time, once it is known.

    - A clock before `RELEASE_MS` is wrong.
    - A clock that the kernel calls synchronised is right.
    - With `require_synchronised` no other is.
    - Without it a clock is taken for right, unless it stands before a time that was known earlier.

    Args:
        clock_ms: the system clock [ms since 1970].
        counter_ms: a clock that nobody sets and that also counts while the machine sleeps [ms since any instant].
        synchronised: whether the kernel calls the system clock synchronised.
        require_synchronised: believe it only then. For a machine without a battery clock, whose system may begin at
            the hour of its last shutdown.
        earlier_ms: returns a time that was known before, for instance when something was last signed; 0 for none.

    """

    def __init__(
        self,
        clock_ms: Callable[[], int],
        counter_ms: Callable[[], int],
        synchronised: Callable[[], bool],
        *,
        require_synchronised: bool = False,
        earlier_ms: Callable[[], int] = lambda: 0,
    ) -> None:
        self._clock_ms = clock_ms
        self.counter_ms = counter_ms
        """The clock that only counts [ms]."""
        self._synchronised = synchronised
        self._require_synchronised = require_synchronised
        self._earlier_ms = earlier_ms

    def now_ms(self) -> int | None:
        """Return the present time [ms since 1970], None while it is not known."""
        now_ms = self._clock_ms()
        return now_ms if self._doubt(now_ms) is None else None

    def at_ms(self, count_ms: int) -> int | None:
        """Return what the time was when the counter showed `count_ms` [ms since 1970], None while it is not known."""
        now_ms, count_now_ms = self.now_ms(), self.counter_ms()
        return None if now_ms is None else now_ms - (count_now_ms - count_ms)

    def doubt(self) -> str | None:
        """Return why the time is not known, None if it is."""
        return self._doubt(self._clock_ms())

    def _doubt(self, now_ms: int) -> str | None:
        if now_ms < RELEASE_MS:
            return "the time is not known: the clock stands before this release was made"
        if self._synchronised():
            return None
        if self._require_synchronised:
            return "the time is not known: the clock is not synchronised"
        if now_ms < self._earlier_ms():
            return "the time is not known: the clock stands before what was signed already"
        return None
