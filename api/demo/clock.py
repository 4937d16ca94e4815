"""The clock of simulated plants: faster than the world's, behind it, and never ahead of it."""

from collections.abc import Callable

from api.clocks import counter_ms, system_ms


class DemoClock:
    """Stands still until `begin`, then runs `speed` times as fast as the real clock until it has caught up with it.

    A report's cutoff must lie behind the chain's newest block, and a chain keeps real time: so plants live a little in the
    past, and when they have caught up they go on with everybody else.
    """

    def __init__(
        self,
        start_ms: int,
        speed: float,
        real_ms: Callable[[], int] = system_ms,
        counter: Callable[[], int] = counter_ms,
    ) -> None:
        """Stand at an instant.

        Args:
            start_ms: where it begins [ms UTC].
            speed: simulated seconds a second, 1 or more.
            real_ms: the real clock [ms UTC].
            counter: a clock that only counts [ms].

        """
        self._start_ms = start_ms
        self._speed = speed
        self._real_ms = real_ms
        self._counter = counter
        self._begun_at: int | None = None

    def begin(self) -> None:
        """Run from now on."""
        self._begun_at = self._counter()

    def now_ms(self) -> int:
        """What time it is for the plants [ms UTC]."""
        return min(self._simulated_ms(), self._real_ms())

    @property
    def has_caught_up(self) -> bool:
        """Whether it is as late for the plants as for everybody else."""
        return self._begun_at is not None and self._simulated_ms() >= self._real_ms()

    def real_s(self, simulated_ms: int) -> float:
        """How long a simulated time takes [s]."""
        return simulated_ms / 1000 / (1.0 if self.has_caught_up else self._speed)

    def _simulated_ms(self) -> int:
        if self._begun_at is None:
            return self._start_ms
        return self._start_ms + int((self._counter() - self._begun_at) * self._speed)
