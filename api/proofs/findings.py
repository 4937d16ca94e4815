"""What a verified file says, in plain lines."""

from collections.abc import Sequence
from itertools import islice

from api.instants import write_instant
from devices.telemetry import Envelope
from oracle.attestation.credits import CreditRange
from oracle.attestation.period import Booked, Period, total_wh
from oracle.attestation.proof import Proof
from oracle.metering.continuity import Gap, chain_gaps, last_sequence_before

SHOWN_ACCOUNTS = 60
"""Accounts of a period that are printed."""
SHOWN_GAPS = 20
_STANDINGS = ("attested", "withheld", "disputed")


def statement_lines(proof: Proof) -> list[str]:
    """Say what an asset's statements state, a line each vintage."""
    return [
        f"{proven.statement.asset_id}, vintage {proven.statement.vintage}: {proven.statement.energy_wh.net} Wh attested,"
        f" {proven.statement.credits_g.net} gCO2e, {proven.statement.revenue_minor.net} minor units of revenue"
        for proven in proof.body.statements
    ]


def period_lines(period: Period) -> list[str]:
    """Say what a period books: its totals, then its accounts."""
    lines = [
        f"{period.asset_id}, {write_instant(period.from_ms)} to {write_instant(period.until_ms)}: "
        + ", ".join(f"{total_wh(period.booked, standing)} Wh {standing}" for standing in _STANDINGS)
    ]
    lines += [_account_line(one) for one in islice(period.booked, SHOWN_ACCOUNTS)]
    if len(period.booked) > SHOWN_ACCOUNTS:
        lines.append(f"  and {len(period.booked) - SHOWN_ACCOUNTS} more accounts, in the file")
    return lines


def _account_line(one: Booked) -> str:
    why = f" ({one.reason})" if one.reason else ""
    return f"  {write_instant(one.start_ms)}  {one.meter_id}: {one.energy_wh} Wh {one.standing}{why}"


def credit_lines(credits_: CreditRange) -> list[str]:
    """Say which credits these are, where they come from, and for whom they were retired."""
    serials = f"serials {credits_.first_serial} to {credits_.last_serial}"
    grams = credits_.last_serial - credits_.first_serial + 1
    lines = [
        (
            f"{credits_.project_id}, vintage {credits_.vintage}: {grams} gCO2e, {serials} in order of issue (a convention:"
            " credits of one id are alike)"
        )
    ]
    lines += [
        f"  serials {one.first_serial} to {one.last_serial}: asset {one.asset_id}, report {one.epoch}, block {one.block}"
        for one in credits_.portions
    ]
    if (retired := credits_.retirement) is not None:
        whom = f", by name {printable(retired.name)}" if retired.name else ""
        lines.append(
            f"retirement {retired.number}, {write_instant(retired.retired_s * 1000)}: by {retired.holder} for"
            f" {retired.beneficiary}{whom}; purpose: {printable(retired.purpose) or 'none given'}"
        )
    return lines


def printable(text: str) -> str:
    """Make a stranger's text fit for a terminal: what is not printable is shown as its code."""
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode("ascii") for c in text)


def missing_lines(envelopes: Sequence[Envelope]) -> list[str]:
    """Say what devices signed, by what they signed after it, and that is not among the envelopes of a proof."""
    gaps = chain_gaps(envelopes)
    lines = [_gap_line(gap, last_sequence_before(gap, envelopes)) for gap in gaps[:SHOWN_GAPS]]
    if len(gaps) > SHOWN_GAPS:
        lines.append(f"and {len(gaps) - SHOWN_GAPS} more")
    return lines


def _gap_line(gap: Gap, last_sequence: int | None) -> str:
    first = 0 if last_sequence is None else last_sequence + 1
    which = f"sequences {first} to {gap.sequence - 1}" if first < gap.sequence else "of an earlier boot epoch"
    return (
        f"device {gap.device}, boot epoch {gap.boot}: an envelope before sequence {gap.sequence} is not here ({which};"
        f" digest {gap.missing.hex()}): withheld, lost, of another meter, or later than the report"
    )
