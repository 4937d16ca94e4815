"""Cases of the corpus as files, so that any other settlement can be held against them.

DIR/NAME-SEED-NUMBER/readings.csv    what the meters said: the table that `heliograph settle` reads
                     meters.toml     what they are
                     truth.csv       of each reading, in the same order: when it was taken, what was true, what is false
                     case.json       when the fault is in force, registers confirmed at registration, local days
"""

import csv
import json
from dataclasses import asdict
from datetime import timedelta
from pathlib import Path

from api.bench.metering.corpus.cases import Case
from api.bench.metering.corpus.truth import Place, Unit
from devices.recordings import write_csv
from devices.recordings.table import format_instant

TRUTH_COLUMNS = ("measured_at", "meter_id", "taken_at", "true_wh", "untrue", "faulty")


def publish(case: Case, folder: Path) -> Path:
    """Write a case into a folder of its own below `folder`, and return that."""
    number = 0
    while (place := folder / f"{case.name}-{case.seed}-{number}").exists():
        number += 1
    place.mkdir(parents=True)
    pairs = list(zip(case.units, case.records, strict=True))
    write_csv(place / "readings.csv", {unit.meter_id: record.to_readings() for unit, record in pairs})
    (place / "meters.toml").write_text("\n".join(_entry(case, unit) for unit in case.units), encoding="utf-8")
    with (place / "truth.csv").open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(TRUTH_COLUMNS)
        for unit, record in pairs:
            columns = (record.time_ms, record.known_ms, unit.true_wh(record.known_ms), record.untrue, record.faulty)
            for time_ms, known_ms, true_wh, untrue, faulty in zip(*(c.tolist() for c in columns), strict=True):
                instants = format_instant(time_ms), unit.meter_id, format_instant(known_ms)
                writer.writerow([*instants, true_wh, int(untrue), int(faulty)])
    (place / "case.json").write_text(json.dumps(_about(case), indent=1) + "\n", encoding="utf-8")
    return place


def _entry(case: Case, unit: Unit) -> str:
    lines = [
        "[[meter]]",
        f'id = "{unit.meter_id}"',
        f'site = "{case.name}"',
        f'role = "{unit.role}"',
        f"nameplate_w = {unit.nameplate_w}",
        f"resolution_wh = {unit.resolution_wh}",
        f'tz = "{_offset(case.place)}"',
    ]
    if unit.modulus_wh is not None:
        lines.append(f"modulus_wh = {unit.modulus_wh}")
    if case.place.latitude is not None and case.place.longitude is not None:
        lines += [f"latitude = {case.place.latitude}", f"longitude = {case.place.longitude}"]
    return "\n".join(lines) + "\n"


def _offset(place: Place) -> str:
    hours, minutes = divmod(abs(timedelta(minutes=place.utc_offset_minutes)), timedelta(hours=1))
    return f"{'-' if place.utc_offset_minutes < 0 else '+'}{hours:02d}:{minutes // timedelta(minutes=1):02d}"


def _about(case: Case) -> dict[str, object]:
    return {
        "name": case.name,
        "seed": case.seed,
        "note": case.note,
        "start_ms": case.start_ms,
        "end_ms": case.end_ms,
        "fault_from_ms": None if case.span is None else case.span.start_ms,
        "fault_until_ms": None if case.span is None else case.span.end_ms,
        "place": asdict(case.place),
        "baselines": {
            unit.meter_id: {"time_ms": unit.baseline[0], "register_wh": unit.baseline[1]}
            for unit in case.units
            if unit.baseline is not None
        },
    }
