"""Places in a list, as the numbers that `Page.next` is written with."""

import re

_NUMBERS = re.compile(r"[0-9]{1,18}(-[0-9]{1,18}){0,2}", re.ASCII)


def numbers_of(place: str, count: int) -> tuple[int, ...]:
    """Read the numbers of a place. Raises ValueError for what no page has given out."""
    numbers = tuple(int(part) for part in place.split("-")) if _NUMBERS.fullmatch(place) else ()
    if len(numbers) != count:
        raise ValueError(f"{place[:40]!r} is no place in this list")
    return numbers


def before(place: str | None) -> int:
    """Read the number before which a list that runs backwards goes on. Raises ValueError as above."""
    return 2**62 if place is None else numbers_of(place, 1)[0]
