"""Every reason code in plain words: why, and what its owner can do."""

from typing import NamedTuple

from oracle.metering.reasons import Reason


class Words(NamedTuple):
    """What a reason means to whoever owns the meter."""

    because: str
    """Fits after "because", of a reading that is not used and of energy that is held back alike."""
    remedy: str
    """What to do about it, or why nothing needs to be done."""


NOTHING = "Nothing needs to be done."

WORDS: dict[Reason, Words] = {
    Reason.ABSENT: Words(
        "it carries no register: inverters give none while they sleep or start, and an estimate is none",
        f"{NOTHING} The energy of that time is booked when the register is back.",
    ),
    Reason.DUPLICATE: Words(
        "the same reading had been received already", f"{NOTHING} It counts once, however often it comes."
    ),
    Reason.FUTURE: Words(
        "it is dated later than the report reaches",
        "Wait for the next report. If the date is wrong, set the device's clock (time server, time zone).",
    ),
    Reason.REVOKED: Words(
        "the meter's key had been revoked before it was signed",
        "If the device is sound, have a new key registered for it: what was signed with the old one stays void.",
    ),
    Reason.EQUIVOCATION: Words(
        "the device signed two different readings under one number",
        "Have the device examined: it was restored from a copy, or its key is used twice. The energy around it stays disputed.",
    ),
    Reason.BEFORE_BASELINE: Words(
        "it is older than the register that was confirmed when the meter was registered",
        f"{NOTHING} Energy from before the registration is never attested.",
    ),
    Reason.CONFLICTING_EVENT: Words(
        "two different resets or replacements were signed for one instant",
        "Have the installer sign the right event anew, with closing and opening register and a time of its own.",
    ),
    Reason.SENTINEL: Words(
        "the meter showed an error value instead of its register",
        "If it happens often, look at the connection between meter and logger. A few cost nothing.",
    ),
    Reason.ZERO: Words(
        "the register showed zero although it had risen before",
        "Single zeros, as after waking up, cost nothing. If the meter was reset, have the reset signed.",
    ),
    Reason.DECREASE: Words(
        "the register stood below what it had reached, and no signed event explains it",
        "If the meter was replaced or reset, have that signed with both registers. Otherwise nothing counts until it is back.",
    ),
    Reason.JUMP: Words(
        "the register rose by more than the plant can produce in that time",
        "Look at nameplate and unit of the meter, and at what was read in that time. If the meter was replaced, have it signed.",
    ),
    Reason.REPLAY: Words(
        "the register is one that the meter shows at another time: an old row came again, or a clock was wrong",
        "Set the logger's clock, and look whether it sends its memory again. True readings beside it count.",
    ),
    Reason.ALTERNATING: Words(
        "the register returned to the same wrong number again and again: two devices answer in turn, or an old answer is kept",
        "Look for a second device with the same address, or a gateway that answers from memory.",
    ),
    Reason.STALE: Words(
        "the register stood still while the plant was producing",
        "Restart the logger or its connection to the meter. When the register moves on, the energy is booked there.",
    ),
    Reason.OVER_CAPACITY: Words(
        "the power was above what the plant can deliver",
        "Look at the nameplate in the registry, and at the unit of the power (W or kW).",
    ),
    Reason.REVERSED: Words(
        "the meter said that a generator draws power by day",
        "Have the current transformers turned round: one points the wrong way. If this is the meter at the grid, say so: role plant.",
    ),
    Reason.NIGHT: Words(
        "the register rose while the sun was below the horizon",
        "If a battery feeds through this meter, meter the modules by themselves. If the times are wrong, set the clock and zone.",
    ),
    Reason.SCALE: Words(
        "on that day the register rose far more than the meter's own power says",
        "Look at unit and factor of the register (Wh or kWh, transformer ratio). The day stays disputed.",
    ),
    Reason.SUM_CHECK: Words(
        "the meters of the site contradict each other by more than their accuracy allows",
        "Have the meters of the site compared: one of them drifts, is wired wrongly, or is not on the list.",
    ),
    Reason.CALIBRATION: Words(
        "the meter's calibration is overdue, so that its permissible error is counted against it",
        "Have the meter calibrated, and the new date put into the rules: the share is attested then.",
    ),
    Reason.UNCORROBORATED: Words(
        "not enough later readings confirm the register yet",
        "Wait: it is attested as soon as later readings bear it out. If it stays so, look whether the meter still sends.",
    ),
}


def words_of(code: str) -> Words:
    """Return the words for a reason code; of an unknown one, as an older release may have booked, the code itself."""
    try:
        return WORDS[Reason(code)]
    except ValueError:
        return Words(f"of the reason {code!r}, which this release does not know", "Ask whoever runs the nodes.")
