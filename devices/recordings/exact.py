"""Decimal texts as exact whole numbers: no float on the way from a file to a watt-hour.

Energy is counted in units of 10^-18 W ms while it is summed, so that power times a duration and energy in any unit are
whole numbers of it, and is rounded down to Wh only when a register is read off.
"""

import re
from functools import lru_cache

MS_PER_HOUR = 3_600_000
_DECIMALS = 18
_SCALE: int = 10**_DECIMALS
UNITS_PER_WH: int = _SCALE * MS_PER_HOUR
_PREFIXES = {"": 0, "k": 3, "K": 3, "M": 6, "G": 9}
_MOST_DIGITS = 30
_NUMBER = re.compile(r"([+-]?)(\d*)(?:\.(\d*))?(?:[eE]([+-]?\d{1,2}))?", re.ASCII)


def power_of_ten(unit: str, base: str) -> int | None:
    """Read the prefix of a unit whose base is `Wh` or `W`, in any case as files write it; None if it is another unit."""
    if not unit.lower().endswith(base.lower()):
        return None
    return _PREFIXES.get(unit[: len(unit) - len(base)])


@lru_cache(maxsize=16_384)  # figures of a file repeat themselves
def scaled(text: str, power: int) -> int:
    """Read a decimal number x 10^power as a whole number of 10^-18.

    Raises:
        ValueError: it is no number, or has more digits than any meter shows.

    """
    parts = _NUMBER.fullmatch(text.strip())
    if parts is None:
        raise ValueError(f"{text[:40]!r} is not a number")
    sign, whole, fraction, exponent = parts[1], parts[2], parts[3] or "", int(parts[4] or 0)
    digits = whole + fraction
    if not digits or len(digits) > _MOST_DIGITS:
        raise ValueError(f"{text[:40]!r} is not a number of 1 to {_MOST_DIGITS} digits")
    shift = _DECIMALS + power + exponent - len(fraction)
    number = int(digits)
    if shift >= 0:
        number *= int(10**shift)
    else:
        number, lost = divmod(number, int(10**-shift))
        if lost:
            raise ValueError(f"{text[:40]!r} has more decimals than are counted")
    return -number if sign == "-" else number


def whole_down(number: int) -> int:
    """Round a whole number of 10^-18 down to a whole number."""
    return number // _SCALE


def energy_units(energy: int) -> int:
    """Return energy in 10^-18 Wh as units of 10^-18 W ms."""
    return energy * MS_PER_HOUR
