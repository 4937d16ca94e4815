"""How far one asset has been settled in one vintage, as the ledger keeps it. Pure."""

from dataclasses import dataclass
from typing import Any, Self

from oracle.reporting.statement import Counter, Statement
from oracle.transmitter.port import Minted

STARTED, SUPERSEDED = 1, 4
"""Flags of a mark: see `contracts/src/ledger/Marks.sol`."""


@dataclass(frozen=True)
class Marks:
    """The structs `Mark` and `Correction` of one asset and vintage."""

    energy_wh: Counter
    credits_g: Counter
    revenue_minor: Counter
    cutoff_s: int
    """Cutoff of the newest statement that was settled whole [s UTC]."""
    flags: int

    @classmethod
    def from_structs(cls, mark: tuple[Any, ...], correction: tuple[Any, ...]) -> Self:
        """Read what `markOf` returned."""
        energy_wh, credits_g, revenue_minor, cutoff_s, _epoch, _month, flags, _claim = mark
        energy_reversed, credits_reversed, revenue_reversed, _credits_offset, _revenue_offset = correction
        return cls(
            Counter(energy_wh, energy_reversed),
            Counter(credits_g, credits_reversed),
            Counter(revenue_minor, revenue_reversed),
            cutoff_s,
            flags,
        )

    @property
    def minted(self) -> Minted:
        """What stands."""
        return Minted(self.energy_wh.net, self.credits_g.net, self.revenue_minor.net)

    def are_behind(self, statement: Statement) -> bool:
        """Whether settling a statement would change anything: by the ledger's own rule, but for ceilings and rights.

        In an asset's newest vintage a later cutoff alone is news.
        """
        stated = (statement.energy_wh, statement.credits_g, statement.revenue_minor)
        marked = (self.energy_wh, self.credits_g, self.revenue_minor)
        if any(
            one.issued > mark.issued or one.reversed > mark.reversed for one, mark in zip(stated, marked, strict=True)
        ):
            return True
        return self.flags & (STARTED | SUPERSEDED) == STARTED and statement.cutoff_s > self.cutoff_s
