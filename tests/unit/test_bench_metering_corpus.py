"""The corpus is what it says: seeded, true where it claims truth, false where it claims a fault, and knows nothing of metering."""

import ast
import subprocess
import sys
from dataclasses import fields

import numpy as np
import pytest

from api.bench.metering.corpus.attacks import DRIFT
from api.bench.metering.corpus.base import recorded, simulated
from api.bench.metering.corpus.cases import fault_cases, sound_cases
from api.bench.metering.corpus.catalogue import BY_NAME, FAULTS
from api.bench.metering.corpus.registers import ERROR_VALUES_WH
from api.bench.metering.corpus.span import contradicted, inside
from api.bench.metering.corpus.truth import MS_PER_DAY, W_MS_PER_WH, Production, Record, Unit
from devices.readings import Column, Readings

SEEDS = (1, 2)
HARMLESS = {"gap", "rounding_steps", "burst", "sampling_change", "missing_register", "loss", "disorder", "clock_drift"}
OF_THE_DATA = {
    "zero_at_wake", "zero_first", "rows_of_later", "site_rows_of_later", "site_fall", "alternating", "gap", "rounding_steps",
    "burst", "sampling_change", "rows_a_day_late", "missing_register", "sentinel", "factor_ten",
}  # fmt: skip
ATTACKS = {
    "rows_of_before", "replayed_rows", "spoofed_readings", "spoofed_sky_at_plant", "clock_moved", "reversed_transformer",
    "scale_ten", "battery_at_night", "drift_of_plant_meter", "drift_of_inverter",
}  # fmt: skip


def cases_of(name, seeds=SEEDS):
    return [case for seed in seeds for case in fault_cases(BY_NAME[name], seed)]


def touched(case):
    """(unit, record) of the meters that something is wrong with."""
    return [(u, r) for u, r in zip(case.units, case.records, strict=True) if r.untrue.any()]


def same(one, other):
    if isinstance(one, np.ndarray):
        return np.array_equal(one, other)
    return one == other


# The generator ----------------------------------------------------------------------------------------------------------


def test_the_generator_imports_nothing_of_what_it_is_a_test_for(repository):
    folder = repository / "api" / "bench" / "metering" / "corpus"
    assert len(list(folder.glob("*.py"))) > 5
    for path in folder.glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            names += [node.module or ""] if isinstance(node, ast.ImportFrom) else []
            assert not [name for name in names if name.split(".")[0] == "oracle"], path
    program = "import sys, api.bench.metering.corpus.cases; print([m for m in sys.modules if m.startswith('oracle')])"
    ran = subprocess.run(
        [sys.executable, "-c", program], cwd=repository, capture_output=True, text=True, check=True, timeout=60
    )
    assert ran.stdout.strip() == "[]"


def test_names_are_unique_and_cover_the_data_and_the_attacks():
    assert len(BY_NAME) == len(FAULTS)
    assert BY_NAME.keys() >= OF_THE_DATA | ATTACKS | HARMLESS
    for fault in FAULTS:
        assert len(fault.about) > 20
        assert fault.about.endswith(".")


@pytest.mark.parametrize("name", ["alternating", "site_fall", "battery_at_night", "replayed_rows"])
def test_a_seed_gives_the_same_case_and_another_seed_another(name):
    for one, other in zip(cases_of(name), cases_of(name), strict=True):
        assert one.note == other.note
        for mine, theirs in zip(one.records, other.records, strict=True):
            assert all(same(getattr(mine, each.name), getattr(theirs, each.name)) for each in fields(Record))
    first, second = (cases_of(name, (seed,))[0].records[0].register_wh for seed in SEEDS)
    assert not np.array_equal(first, second)


# Truth ------------------------------------------------------------------------------------------------------------------


def test_production_is_straight_between_knots_and_rounded_down():
    made = Production(np.array([0, 3_600_000, 7_200_000]), np.array([0, 10, 13]) * W_MS_PER_WH)
    instants = np.array([-5, 0, 359_999, 360_000, 3_600_000, 7_199_999, 7_200_000, 9_999_999])
    assert made.wh(instants).tolist() == [0, 0, 0, 1, 10, 12, 13, 13]
    assert made.power_w(np.array([1, 3_600_000, 3_600_001])).tolist() == [10, 10, 3]


def test_a_meter_shows_its_resolution_and_starts_again_at_its_modulus():
    made = Production(np.array([0, 3_600_000]), np.array([0, 1000]) * W_MS_PER_WH)
    unit = Unit("m", "inverter", 1000, 9_950, made, resolution_wh=100, modulus_wh=10_000)
    assert unit.true_wh(np.array([0, 3_600_000])).tolist() == [9_950, 10_950]
    assert unit.shown_wh(np.array([0, 180_000, 3_600_000])).tolist() == [9_900, 0, 900]


def test_a_plant_meter_reads_what_its_inverters_made_less_the_loss_on_the_way():
    series = simulated(np.random.default_rng(5), 3, inverters=2)
    ends = np.array([series.start_ms, series.end_ms])
    made = [int(np.diff(unit.production.wh(ends))[0]) for unit in series.units]
    assert [unit.role for unit in series.units] == ["inverter", "inverter", "plant"]
    assert made[2] == pytest.approx((made[0] + made[1]) * 0.995, abs=2)
    assert made[0] != made[1]


@pytest.mark.parametrize("seed", range(4))
def test_sound_series_are_true_and_hold_no_fault(seed):
    kinds = set()
    for case in sound_cases(seed):
        kinds.add(case.name)
        for unit, record in zip(case.units, case.records, strict=True):
            assert not record.untrue.any()
            assert not record.faulty.any()
            shown = unit.shown_wh(record.time_ms)
            if not record.events:
                assert np.array_equal(record.register_wh[record.present], shown[record.present])
    assert kinds >= {"meter", "site", "roll_over", "replacement"}


def test_a_roll_over_and_a_replacement_do_happen():
    of_kind = {case.name: case for seed in range(3) for case in sound_cases(seed)}
    rolled, replaced = of_kind["roll_over"], of_kind["replacement"]
    assert (np.diff(rolled.records[0].register_wh[rolled.records[0].present]) < 0).sum() == 1
    ((place, kind, closing_wh, opening_wh),) = replaced.records[0].events
    assert kind == "replace"
    assert replaced.records[0].register_wh[place] == opening_wh
    assert replaced.units[0].shown_wh(replaced.records[0].time_ms[place : place + 1])[0] == closing_wh


def test_a_recording_is_taken_as_the_truth():
    times = np.arange(0, 4 * MS_PER_DAY, 3_600_000)
    registers = np.arange(len(times)) * 100
    column = Column(registers, np.arange(len(times)) % 7 != 3)
    series = recorded(Readings(times, column), "m", 5000, 0, "by hand")
    (unit,), (record,) = series.units, series.records
    assert np.array_equal(unit.shown_wh(times), registers)
    assert not record.untrue.any()
    assert series.end_ms - series.start_ms == 3 * MS_PER_DAY
    falling = Column.full(np.where(np.arange(len(times)) == 50, 0, registers))
    with pytest.raises(ValueError, match="only rises"):
        recorded(Readings(times, falling), "m", 5000, 0, "by hand")


# Faults -----------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", sorted(BY_NAME.keys() - HARMLESS))
def test_each_fault_is_there_and_is_false(name):
    cases = cases_of(name, range(1, 5))
    assert any(record.faulty.any() for case in cases for record in case.records)
    for case in cases:
        for _, record in touched(case):
            assert not (record.faulty & ~record.untrue).any()
            assert not (record.faulty & ~record.present).any()


@pytest.mark.parametrize("name", sorted(HARMLESS))
def test_what_is_no_fault_leaves_nothing_to_be_found(name):
    for case in cases_of(name):
        assert not any(record.faulty.any() for record in case.records)


MOVES_FOR_GOOD = {"site_fall", "fall_that_stays", "jump_that_stays", "unsigned_restart"}
COUNTS_WRONG = {
    "scale_ten", "scale_ten_with_power", "scale_ten_for_good", "reversed_transformer", "reversed_at_inverter",
    "battery_at_night", "over_capacity", "spoofed_sky_at_plant", "drift_of_plant_meter", "drift_of_inverter",
}  # fmt: skip


@pytest.mark.parametrize("name", sorted(BY_NAME.keys() - HARMLESS - MOVES_FOR_GOOD - COUNTS_WRONG))
def test_a_false_reading_differs_from_the_truth_and_all_others_do_not(name):
    for case in cases_of(name):
        for unit, record in zip(case.units, case.records, strict=True):
            differs = record.register_wh != unit.shown_wh(record.time_ms)
            assert np.array_equal(record.untrue[record.present], differs[record.present])


@pytest.mark.parametrize("name", sorted(BY_NAME.keys() - HARMLESS))
def test_before_a_fault_sets_in_and_after_it_ended_all_is_sound(name):
    for case in cases_of(name):
        for _, record in touched(case):
            if name != "zero_first":
                assert record.known_ms[record.untrue].min() >= case.span.start_ms
            if not BY_NAME[name].lasts:
                first_after_ms = record.known_ms[record.present & (record.known_ms >= case.span.end_ms)].min()
                assert record.known_ms[record.untrue].max() <= first_after_ms
                assert case.end_ms - case.span.end_ms >= 2 * MS_PER_DAY


@pytest.mark.parametrize("name", sorted(COUNTS_WRONG))
def test_a_meter_that_counts_wrong_is_right_in_its_steps_but_for_the_faulty_ones(name):
    for case in cases_of(name):
        for unit, record in touched(case):
            counted = np.diff(record.register_wh[record.present])
            made = np.diff(unit.true_wh(record.time_ms[record.present]))
            sound = ~record.untrue[record.present][1:]
            assert (np.abs(counted - made)[sound] <= unit.resolution_wh).all()


def test_scattered_faults_take_no_more_than_a_third_of_the_readings():
    for name in ("zeros", "sentinel", "decrease", "jump", "jump_within_reach", "spoofed_readings"):
        for case in cases_of(name):
            (record,) = case.records
            assert record.untrue.sum() <= inside(record, case.span).sum() / 3


def test_zeros_and_error_values_are_what_they_are_called():
    for name, values in (("zero_at_wake", {0}), ("zero_first", {0}), ("zeros", {0}), ("sentinel", {*ERROR_VALUES_WH})):
        for case in cases_of(name):
            (record,) = case.records
            assert {*record.register_wh[record.untrue].tolist()} <= values


def test_a_zero_at_wake_stands_alone_and_the_register_comes_back():
    for case in cases_of("zero_at_wake", range(6)):
        (record,) = case.records
        places = np.flatnonzero(record.present)
        false = record.untrue[places]
        assert not (false[1:] & false[:-1]).any()
        assert not false[-1]


def test_the_meters_of_a_site_fall_and_are_replayed_together():
    for name in ("site_fall", "site_rows_of_later"):
        for case in cases_of(name, range(1, 5)):
            begins = [int(r.known_ms[r.untrue].min()) for _, r in touched(case)]
            if begins:
                assert len(begins) == 3
                assert max(begins) - min(begins) <= 2 * 3_600_000
    for case in cases_of("site_fall"):
        assert all(r.mirror is not None and r.mirror.any() for r in case.records)


def test_rows_of_later_are_registers_that_the_meter_does_show_later():
    for case in cases_of("rows_of_later", range(1, 5)):
        (unit,), (record,) = case.units, case.records
        later_ms = [np.array(record.time_ms[record.untrue]) + days * MS_PER_DAY for days in range(1, 9)]
        fits = [np.array_equal(unit.shown_wh(times), record.register_wh[record.untrue]) for times in later_ms]
        assert any(fits)
        assert (record.register_wh > unit.shown_wh(record.time_ms))[record.untrue].all()


def test_two_sources_in_turn_show_the_truth_and_one_old_register():
    for case in cases_of("alternating"):
        (record,) = case.records
        assert len(np.unique(record.register_wh[record.untrue])) == 1
        of_span = record.untrue[inside(record, case.span)]
        assert (np.diff(of_span.astype(int)) != 0).sum() > 5


def test_a_reversed_transformer_counts_what_was_made_as_drawn():
    for case in cases_of("reversed_transformer"):
        (unit,), (record,) = case.units, case.records
        drawn = int(record.import_wh[-1])
        counted = int(record.register_wh[record.present][-1]) - unit.opening_wh
        assert drawn > 0
        assert drawn + counted == pytest.approx(
            int(unit.production.wh(record.time_ms[-1:])[0]), abs=unit.resolution_wh + 2
        )


def test_ten_times_is_ten_times():
    for case in cases_of("scale_ten_for_good"):
        (unit,), (record,) = case.units, case.records
        counted = int(record.register_wh[record.present][-1]) - unit.opening_wh
        made = int(unit.production.wh(record.time_ms[record.present][-1:])[0])
        assert counted == pytest.approx(10 * made, abs=unit.resolution_wh + 10)


def test_a_battery_feeds_in_only_when_the_sun_is_down_and_keeps_the_meter_awake():
    for case in cases_of("battery_at_night", range(1, 5)):
        (unit,), (record,) = case.units, case.records
        assert record.present.all()
        assert (unit.production.power_w(record.time_ms[record.faulty]) == 0).all()
        gained = int(record.register_wh[-1]) - int(unit.shown_wh(record.time_ms[-1:])[0])
        assert gained >= 0.05 * unit.nameplate_w


def test_a_drift_ends_at_two_percent_and_begins_after_a_week():
    for name, role in (("drift_of_plant_meter", "plant"), ("drift_of_inverter", "inverter")):
        for case in cases_of(name, (1,)):
            ((unit, record),) = touched(case)
            assert unit.role == role
            assert case.span.start_ms - case.start_ms == 8 * MS_PER_DAY
            assert case.end_ms - case.span.start_ms > 30 * MS_PER_DAY
            last = np.array([case.end_ms - 5 * MS_PER_DAY, case.end_ms])
            shown = np.interp(last, record.time_ms[record.present], record.register_wh[record.present])
            made = np.diff(unit.true_wh(last))[0]
            assert np.diff(shown)[0] == pytest.approx(made * (1 + DRIFT), rel=0.005, abs=3 * unit.resolution_wh)


def test_only_what_more_sound_readings_contradict_than_false_ones_confirm_is_to_be_found():
    def of(registers, untrue):
        count = len(registers)
        times = np.arange(count) * 60_000
        flags = np.array(untrue, dtype=np.bool_)
        return contradicted(Record(times, times, np.array(registers), np.ones(count, dtype=np.bool_), flags, flags))

    assert of([10, 20, 25, 40, 50], [0, 0, 1, 0, 0]).faulty.tolist() == [False] * 5, "it fits between its neighbours"
    assert of([10, 20, 45, 40, 50], [0, 0, 1, 0, 0]).faulty.tolist() == [False] * 5, "one against one"
    assert of([10, 20, 55, 40, 50], [0, 0, 1, 0, 0]).faulty.tolist() == [False, False, True, False, False]
    assert of([10, 20, 5, 40, 50], [0, 0, 1, 0, 0]).faulty.tolist() == [False, False, True, False, False]
    assert of([10, 95, 96, 40, 50], [0, 1, 1, 0, 0]).faulty.tolist() == [False] * 5, "two against two"
    assert of([10, 95, 96, 40, 50, 60], [0, 1, 1, 0, 0, 0]).faulty.tolist() == [False, True, True, False, False, False]
