"""What settlement says about one meter up to a cutoff, as far as it is scored."""

from dataclasses import dataclass

from api.bench.metering.corpus.truth import Flags, Integers


@dataclass(frozen=True, eq=False)
class Verdict:
    """Steps have shape (n,), rejected readings shape (m,)."""

    start_ms: Integers
    """Start of each step, exclusive [ms UTC]."""
    end_ms: Integers
    """End of each step, inclusive [ms UTC]."""
    energy_wh: Integers
    attested_wh: Integers
    """What of each step is attested [Wh]: all, none, or what a share withheld leaves."""
    withheld_wh: Integers
    """What of each step may be attested later [Wh]."""
    doubted: Flags
    """Steps that are disputed, or withheld for another reason than that nothing has confirmed them yet."""
    first_ms: int | None
    """Instant of the first corroborated register [ms UTC], None if nothing was corroborated."""
    first_wh: int | None
    """That register [Wh]."""
    rejected: frozenset[tuple[int, int]]
    """(instant [ms UTC], register [Wh]) of readings that were not used."""
    reasons: dict[str, int]
    """How many readings were rejected and steps doubted, by reason."""
