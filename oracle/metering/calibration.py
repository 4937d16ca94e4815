"""A meter whose calibration is overdue counts for less: its permissible error is taken against the owner.

Source: CDM validation and verification standard for project activities, paragraph 369: where calibration was delayed, the maximum
permissible error is applied conservatively to the measured values of the time of delay.
"""

import numpy as np

from oracle.metering.ceiling import PPM
from oracle.metering.meter import Meter
from oracle.metering.observed import Integers


def reduction_up(meter: Meter, start_ms: Integers, energy_wh: Integers) -> Integers:
    """What is withheld of each step that ends after the due date [Wh], shape (n,).

    It is taken of the sum, rounded up, so that no number of short steps gains a watt-hour. A step that was under way at
    the due date counts whole.

    Args:
        meter: says when it is due and by how much it may be wrong.
        start_ms: start of each step, ascending, shape (n,) [ms UTC]; `energy_wh` is what it produced.
        energy_wh: energy of each step, shape (n,) [Wh].

    """
    calibration = meter.calibration
    if calibration is None:
        return np.zeros_like(energy_wh)
    following = np.append(start_ms[1:], np.iinfo(np.int64).max)
    overdue_wh = np.cumsum(np.where(following > calibration.due_ms, energy_wh, 0))
    # 2^53 Wh times a million would leave 64 bits: take it of millions of Wh and of what remains.
    millions, rest_wh = np.divmod(overdue_wh, PPM)
    error_ppm = calibration.permissible_error_ppm
    reduced_wh = millions * error_ppm + (rest_wh * error_ppm + PPM - 1) // PPM
    reduction: Integers = np.diff(reduced_wh, prepend=0)
    return reduction
