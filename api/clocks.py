"""The clocks of this machine, for those that take the time as an argument."""

import ctypes
import time

_TIME_ERROR = 5
"""adjtimex(2): the clock is not synchronised."""
_TIMEX_BYTES = 512
"""More than struct timex has on any Linux; all zero, it only asks."""


def system_ms() -> int:
    """Return the system clock [ms since 1970]."""
    return time.time_ns() // 1_000_000


def counter_ms() -> int:
    """Return a clock that nobody sets and that also counts while the machine sleeps [ms since it started]."""
    return time.clock_gettime_ns(time.CLOCK_BOOTTIME) // 1_000_000


def synchronised() -> bool:
    """Tell whether the kernel calls the system clock synchronised: some time service of this machine keeps it right."""
    try:
        state = ctypes.CDLL(None).adjtimex(ctypes.create_string_buffer(_TIMEX_BYTES))
    except (OSError, AttributeError):
        return False
    return 0 <= int(state) < _TIME_ERROR
