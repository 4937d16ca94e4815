"""What a meter says about itself: readings, as rows for people and as columns for machines."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

EventKind = Literal["reset", "replace"]


@dataclass(frozen=True)
class Reading:
    """The registers of one meter at one instant. None is absent, which is neither zero nor a fault."""

    time_ms: int
    """Instant, milliseconds since 1970-01-01 UTC."""
    export_wh: int | None
    """Energy delivered since the register began [Wh]."""
    import_wh: int | None = None
    """Energy drawn since the register began [Wh]."""
    power_w: int | None = None
    """Power at the instant, positive when delivering [W]. Informative, settles nothing."""
    event: tuple[EventKind, int, int] | None = None
    """(kind, closing_wh, opening_wh): the register moved just before this reading."""


@dataclass(frozen=True)
class RegisterEvent:
    """The register moved between reading `index` - 1 and reading `index`: reset in place, or a meter replaced."""

    index: int
    kind: EventKind
    closing_wh: int
    """Where the register stood before it moved [Wh]."""
    opening_wh: int
    """Where it stood after [Wh]."""


@dataclass(frozen=True, eq=False)
class Column:
    """Whole numbers with holes."""

    numbers: NDArray[np.int64]
    """Shape (n,). 0 where absent."""
    present: NDArray[np.bool_]
    """Shape (n,). False where the meter had nothing to say."""

    @classmethod
    def full(cls, numbers: NDArray[np.int64] | Sequence[int]) -> "Column":
        """Make a column without holes."""
        whole = np.asarray(numbers, dtype=np.int64)
        return cls(whole, np.ones(whole.shape, dtype=np.bool_))

    @classmethod
    def of(cls, numbers: Sequence[int | None]) -> "Column":
        """Make a column with a hole at every None.

        Raises:
            OverflowError: a number does not fit 64 bits.

        """
        present = np.fromiter((number is not None for number in numbers), np.bool_, len(numbers))
        return cls(np.array([number or 0 for number in numbers], dtype=np.int64), present)

    def to_list(self) -> list[int | None]:
        """Return the numbers with None at every hole."""
        pairs = zip(self.numbers.tolist(), self.present.tolist(), strict=True)
        return [number if present else None for number, present in pairs]

    def __len__(self) -> int:
        return len(self.numbers)

    def __getitem__(self, rows: slice) -> "Column":
        return Column(self.numbers[rows], self.present[rows])


@dataclass(frozen=True, eq=False)
class Readings:
    """Columns of one meter, each of shape (n,), in the order in which the meter took them.

    Raises:
        ValueError: columns differ in length.

    """

    time_ms: NDArray[np.int64]
    """Milliseconds since 1970-01-01 UTC."""
    export_wh: Column | None
    import_wh: Column | None = None
    power_w: Column | None = None
    events: tuple[RegisterEvent, ...] = ()
    """By ascending index. They concern the export register, or the import register where there is no export column."""

    def __post_init__(self) -> None:
        for name in ("export_wh", "import_wh", "power_w"):
            column: Column | None = getattr(self, name)
            if column is not None and not (column.numbers.shape == column.present.shape == self.time_ms.shape):
                raise ValueError(f"{name} has another length than time_ms")

    @classmethod
    def of(cls, rows: Iterable[Reading]) -> "Readings":
        """Turn rows into columns; a column that is absent on every row is left out."""
        listed = list(rows)
        columns = {
            name: Column.of([getattr(row, name) for row in listed])
            for name in ("export_wh", "import_wh", "power_w")
            if any(getattr(row, name) is not None for row in listed)
        }
        events = tuple(RegisterEvent(i, *row.event) for i, row in enumerate(listed) if row.event is not None)
        return cls(
            np.array([row.time_ms for row in listed], dtype=np.int64),
            columns.get("export_wh"),
            columns.get("import_wh"),
            columns.get("power_w"),
            events,
        )

    def __len__(self) -> int:
        return len(self.time_ms)

    def __iter__(self) -> Iterator[Reading]:
        absent: list[int | None] = [None] * len(self)
        export, imported, power = (
            absent if column is None else column.to_list() for column in (self.export_wh, self.import_wh, self.power_w)
        )
        moves = {event.index: (event.kind, event.closing_wh, event.opening_wh) for event in self.events}
        rows = zip(self.time_ms.tolist(), export, imported, power, strict=True)
        for index, (time_ms, export_wh, import_wh, power_w) in enumerate(rows):
            yield Reading(time_ms, export_wh, import_wh, power_w, moves.get(index))

    def __getitem__(self, rows: slice) -> "Readings":
        """Return the readings of a slice of step 1, with its events.

        Raises:
            ValueError: the slice has another step.

        """
        start, stop, step = rows.indices(len(self))
        if step != 1:
            raise ValueError("readings are cut into runs: the step of a slice must be 1")
        events = tuple(
            RegisterEvent(event.index - start, event.kind, event.closing_wh, event.opening_wh)
            for event in self.events
            if start <= event.index < stop
        )
        cut = slice(start, stop)
        return Readings(
            self.time_ms[cut],
            None if self.export_wh is None else self.export_wh[cut],
            None if self.import_wh is None else self.import_wh[cut],
            None if self.power_w is None else self.power_w[cut],
            events,
        )
