"""Every fault of the corpus: its name, where it was seen or who would do it, and how it is put on a series."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import numpy as np

from api.bench.metering.corpus import attacks, clocks, registers
from api.bench.metering.corpus.span import Span
from api.bench.metering.corpus.truth import Record, Unit

Apply = Callable[[Unit, Record, Span, np.random.Generator], Record]
Scope = Literal["meter", "site", "plant", "inverter"]
Begins = Literal["both", "later", "commissioning"]


@dataclass(frozen=True)
class Fault:
    """One kind of fault."""

    name: str
    apply: Apply
    scope: Scope = "meter"
    """A meter alone; all meters of a site together; or one meter of a site: its plant meter, or an inverter."""
    begins: Begins = "both"
    """Whether it may be there from commissioning, sets in later, or both (a case of each)."""
    lasts: bool = False
    """Whether it never ends."""
    keeps_energy: bool = True
    """Whether the register tells the energy of the time once the fault is over."""
    power: bool | None = None
    """Whether the meters tell their power; None: some do."""
    days: int = 9
    """Local days of a case."""
    span_days: tuple[float, float] = (0.6, 3.0)
    """Shortest and longest time in force [days]."""
    needs_place: bool = False
    """Whether only the sun can tell: not put on recordings of which nobody knows where they were made."""
    is_drift: bool = False
    """Whether it is held to be found within 30 days, and not to the first watt-hour."""

    @property
    def about(self) -> str:
        """What happens, in a sentence."""
        return (self.apply.__doc__ or "").split("\n", maxsplit=1)[0]


FAULTS = (
    # seen in real registers of photovoltaic sites
    Fault("zero_at_wake", registers.zero_at_wake),
    Fault("zero_first", registers.zero_first, begins="commissioning"),
    Fault("zeros", registers.zeros),
    Fault("sentinel", registers.sentinel),
    Fault("rows_of_later", clocks.rows_of_later),
    Fault("site_rows_of_later", clocks.rows_of_later, scope="site"),
    Fault("site_fall", registers.fall_that_stays, scope="site", begins="later", lasts=True, keeps_energy=False),
    Fault("alternating", registers.alternating),
    Fault("gap", registers.gap, begins="later", days=15, span_days=(1, 9)),
    Fault("rounding_steps", registers.rounding_steps),
    Fault("burst", registers.burst),
    Fault("sampling_change", registers.sampling_change, begins="later"),
    Fault("rows_a_day_late", clocks.rows_a_day_late),
    Fault("missing_register", registers.missing_register),
    Fault("factor_ten", registers.factor_ten),
    # other faults of meters and of the way to us
    Fault("decrease", registers.decrease),
    Fault("jump", registers.jump),
    Fault("jump_within_reach", registers.jump_within_reach),
    Fault("jump_that_stays", registers.jump_that_stays, begins="later", lasts=True, keeps_energy=False),
    Fault("fall_that_stays", registers.fall_that_stays, begins="later", lasts=True, keeps_energy=False),
    Fault("unsigned_restart", registers.unsigned_restart, begins="later", lasts=True, keeps_energy=False),
    Fault("stale", registers.stale),
    Fault("stale_with_power", registers.stale, power=True),
    Fault("loss", registers.loss),
    Fault("disorder", registers.disorder),
    Fault("clock_drift", clocks.clock_drift),
    # attacks
    Fault("rows_of_before", clocks.rows_of_before, begins="later"),
    Fault("replayed_rows", clocks.replayed_rows),
    Fault("spoofed_readings", attacks.spoofed_readings),
    Fault("spoofed_sky_at_plant", attacks.spoofed_sky, scope="plant", keeps_energy=False),
    Fault("clock_moved", clocks.clock_moved, needs_place=True),
    Fault("reversed_transformer", attacks.reversed_transformer, keeps_energy=False),
    Fault("reversed_at_inverter", attacks.reversed_transformer, scope="inverter", keeps_energy=False),
    Fault("scale_ten", attacks.scale_ten, keeps_energy=False),
    Fault("scale_ten_with_power", attacks.scale_ten, keeps_energy=False, power=True),
    Fault("scale_ten_for_good", attacks.scale_ten, begins="commissioning", lasts=True, keeps_energy=False),
    Fault("battery_at_night", attacks.battery_at_night, keeps_energy=False, needs_place=True),
    Fault("over_capacity", attacks.over_capacity, keeps_energy=False),
    Fault("drift_of_plant_meter", attacks.slow_drift, scope="plant", begins="later", lasts=True, keeps_energy=False,
          days=42, is_drift=True),
    Fault("drift_of_inverter", attacks.slow_drift, scope="inverter", begins="later", lasts=True, keeps_energy=False,
          days=42, is_drift=True),
)  # fmt: skip

BY_NAME = {fault.name: fault for fault in FAULTS}
