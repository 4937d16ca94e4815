"""Envelopes to readings: equal readings are one, contradicting ones none."""

import random

import pytest

from devices.telemetry import Reading
from oracle.metering.collation import collate
from oracle.metering.meter import Baseline, Meter
from oracle.metering.reasons import Reason
from oracle.metering.settlement import Standing, settle_register

HOUR = 3_600_000


@pytest.fixture(name="meter")
def meter_fixture(fleet):
    listed = fleet.meter(0)
    return Meter(
        listed.meter_id,
        listed.nameplate_w,
        baseline=Baseline(listed.baseline_wh, listed.baseline_time_ms),
        confirmations=2,
    )


def settle(meter, envelopes, **parts):
    return settle_register(meter, collate(envelopes, **parts), 2**53 - 1)


def totals(settled):
    return tuple(settled.total_wh(standing) for standing in Standing)


def test_overlapping_batches_of_equal_readings_are_legal(fleet, steady, meter):
    rows = steady(6)
    parts = [fleet.envelope(0, rows[a:b], first_sequence=a) for a, b in ((0, 3), (2, 6), (0, 6), (4, 5))]
    settled = settle(meter, parts)
    assert totals(settled) == (4000, 1000, 0)
    assert not collate(parts).contested.any()


def test_order_and_repetition_change_no_watt_hour(fleet, steady, meter):
    rows = steady(8)
    parts = [fleet.envelope(0, rows[a : a + 2], first_sequence=a) for a in range(0, 8, 2)]
    expected = settle(meter, parts)
    generator = random.Random(1)
    for _ in range(5):
        mixed = [*parts, *generator.choices(parts, k=3)]
        generator.shuffle(mixed)
        settled = settle(meter, mixed)
        assert settled.energy_wh.tolist() == expected.energy_wh.tolist()
        assert settled.standing.tolist() == expected.standing.tolist()


def test_two_different_readings_under_one_number_dispute_the_energy_around_them(fleet, steady, meter):
    rows = steady(6)
    other = fleet.envelope(0, [Reading(rows[2].time_ms, rows[2].export_wh + 1)], first_sequence=2)
    settled = settle(meter, [fleet.envelope(0, rows), other])
    assert settled.rejected == {Reason.EQUIVOCATION: 2}
    assert totals(settled) == (2000, 1000, 2000)
    assert sum(totals(settled)) == 5000


def test_a_device_disputes_only_itself(fleet, steady):
    rows = steady(4)
    ours = fleet.envelope(0, rows)
    other_boot = fleet.envelope(0, [Reading(rows[1].time_ms, 1)], boot=2, first_sequence=1)
    other_device = fleet.envelope(0, [Reading(rows[1].time_ms, 1)], device="dev-9", first_sequence=1)
    assert not collate([ours, other_boot, other_device]).contested.any()


def test_an_event_signed_on_one_of_two_equal_readings_is_equivocation(fleet, steady, meter):
    rows = steady(4)
    moved = Reading(rows[2].time_ms, rows[2].export_wh, event=("reset", rows[2].export_wh, 0))
    settled = settle(meter, [fleet.envelope(0, rows), fleet.envelope(0, [moved], first_sequence=2)])
    assert settled.rejected == {Reason.EQUIVOCATION: 2}
    assert totals(settled) == (1000, 0, 2000)


def test_a_revoked_key_counts_neither_by_readings_nor_by_events(fleet, steady, meter):
    rows = steady(3)
    stolen = [
        Reading(rows[-1].time_ms + HOUR, 0, event=("reset", rows[-1].export_wh + 8000, 0)),
        Reading(rows[-1].time_ms + 2 * HOUR, 8000),
        Reading(rows[-1].time_ms + 3 * HOUR, 8000),
    ]
    envelopes = [fleet.envelope(0, [*rows, *stolen])]
    settled = settle(meter, envelopes, revoked_from=(1, 3))
    assert totals(settled) == (1000, 1000, 0)
    assert settled.rejected == {Reason.REVOKED: 3}
    assert sum(totals(settle(meter, envelopes, revoked_from=(1, 4)))) == 2000 + 8000
    assert sum(totals(settle(meter, envelopes, revoked_from=(0, 0)))) == 0
    assert sum(totals(settle(meter, envelopes, revoked_from=(2**64 - 2, 2**64 - 1)))) == 2000 + 8000 + 8000


def test_an_event_of_the_import_register_does_not_move_the_export_register(fleet, steady, meter):
    rows = steady(4)
    load = [Reading(rows[0].time_ms, None, 10), Reading(rows[1].time_ms + 1, None, 0, event=("reset", 20, 0))]
    envelopes = [fleet.envelope(0, rows), fleet.envelope(0, load, boot=2)]
    assert collate(envelopes, "export").events == frozenset()
    assert [event.closing_wh for event in collate(envelopes, "import").events] == [20]
    assert sum(totals(settle(meter, envelopes))) == 3000


def test_sequence_numbers_up_to_their_limit_are_told_apart(fleet, steady):
    rows = steady(2)
    last = 2**63 - 2
    same = [
        fleet.envelope(0, rows, first_sequence=last, boot=2**63 - 1),
        fleet.envelope(0, rows[1:], first_sequence=last + 1, boot=2**63 - 1),
    ]
    assert not collate(same).contested.any()
    assert collate([*same, fleet.envelope(0, rows[:1], first_sequence=last + 1, boot=2**63 - 1)]).contested.sum() == 3
