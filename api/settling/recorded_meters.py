"""Recorded files together with what is known of their meters."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from devices.readings import Column, Readings
from devices.recordings import Kind, RecordedMeter, Recording, read
from devices.recordings.counted import continue_counting
from oracle.config import MeterEntry, load_meters
from oracle.errors import ConfigError
from oracle.metering.collation import Observations, observe


@dataclass(frozen=True, eq=False)
class KnownMeter:
    """A recorded meter and its limits."""

    entry: MeterEntry
    readings: Readings

    @property
    def observations(self) -> Observations:
        """Its readings of the export register."""
        return observe(self.readings)

    @property
    def imported(self) -> Observations:
        """Its readings of the import register."""
        return observe(self.readings, "import")


def load_recorded_meters(
    files: Sequence[Path], meters_path: Path | None, on_file: Callable[[int], None] = lambda _: None
) -> tuple[dict[str, KnownMeter], list[str]]:
    """Read recorded files and find each meter's limits; `on_file` is told before each how many were read.

    A meter is found in the meters file by its id or by the name its file calls it. A file that holds one meter and a
    meters file that names one are taken to mean the same meter: exports of inverters carry no meter id of ours. Without
    a meters file the format must tell the nameplate (SMA exports do, in the model's name).

    Returns:
        Meters by id, and notes for the reader.

    Raises:
        RecordingError: a file is refused.
        ConfigError: a meter's limits are not known.

    """
    entries = load_meters(meters_path) if meters_path else []
    only = entries[0] if len(entries) == 1 else None
    zones = {entry.id: entry.tz for entry in entries if "tz" in entry.model_fields_set}
    pieces: dict[str, list[Readings]] = {}
    kinds: dict[str, Kind] = {}
    found: dict[str, MeterEntry] = {}
    notes: list[str] = []
    for done, path in enumerate(files):
        on_file(done)
        recording = read(path, zones.get(only.id) if only else zones)
        notes += [f"{path.name}: {note}" for note in recording.notes]
        for meter_id, recorded in recording.meters.items():
            entry = _entry(recording, meter_id, recorded, entries, meters_path)
            if entry.id not in {meter_id, recorded.source_name}:
                notes.append(f"{path.name}: {recorded.source_name} is taken to be meter {entry.id}")
            _require_declared(recording, meter_id, recorded, entry)
            if kinds.setdefault(entry.id, recorded.kind) != recorded.kind:
                raise ConfigError(
                    f"{path}: meter {entry.id} is recorded as {recorded.kind}, in another file as {kinds[entry.id]}"
                )
            found[entry.id] = entry
            pieces.setdefault(entry.id, []).append(recorded.readings)
    for meter_id in (name for name, kind in kinds.items() if kind != "register"):
        try:
            pieces[meter_id] = continue_counting(pieces[meter_id])
        except ValueError as error:
            raise ConfigError(f"meter {meter_id}: {error}") from error
    return {meter_id: KnownMeter(found[meter_id], join_readings(pieces[meter_id])) for meter_id in found}, notes


_CLASSES: tuple[Kind, ...] = ("register", "interval", "power")
"""From what a meter counted to what least resembles it; a class admits those before it."""


def _require_declared(recording: Recording, meter_id: str, recorded: RecordedMeter, entry: MeterEntry) -> None:
    """Refuse a recording that is weaker evidence than its meter was declared to give."""
    if _CLASSES.index(recorded.kind) > _CLASSES.index(entry.class_):
        held = {"interval": "energy by interval", "power": "power"}[recorded.kind]
        raise ConfigError(
            f"{recording.path}: meter {meter_id} is recorded as {held}, and no register confirms it: it settles only where "
            f'the project declares that, by class = "{recorded.kind}" of the meter\'s entry in the meters file'
        )


def _entry(
    recording: Recording, meter_id: str, recorded: RecordedMeter, entries: list[MeterEntry], meters_path: Path | None
) -> MeterEntry:
    for entry in entries:
        if entry.id in (meter_id, recorded.source_name):
            return entry
    if len(entries) == 1 and len(recording.meters) == 1:
        return entries[0]
    if meters_path is not None:
        named = ", ".join(entry.id for entry in entries)
        raise ConfigError(f"{recording.path}: meter {meter_id} is not in {meters_path}, which names {named}")
    if recorded.nameplate_w is None:
        raise ConfigError(
            f"{recording.path}: the nameplate of meter {meter_id} is not known; name it in a file given by --meters"
        )
    return MeterEntry(id=meter_id, nameplate_w=recorded.nameplate_w)


def join_readings(pieces: Sequence[Readings]) -> Readings:
    """Put readings of one meter one after the other; their events keep their places."""
    if len(pieces) == 1:
        return pieces[0]
    events = []
    offset = 0
    for piece in pieces:
        events += [replace(event, index=event.index + offset) for event in piece.events]
        offset += len(piece)
    return Readings(
        np.concatenate([piece.time_ms for piece in pieces]),
        _join_columns([(len(piece), piece.export_wh) for piece in pieces]),
        _join_columns([(len(piece), piece.import_wh) for piece in pieces]),
        _join_columns([(len(piece), piece.power_w) for piece in pieces]),
        tuple(events),
    )


def _join_columns(pieces: list[tuple[int, Column | None]]) -> Column | None:
    if all(column is None for _, column in pieces):
        return None
    columns = [column or Column(np.zeros(n, dtype=np.int64), np.zeros(n, dtype=np.bool_)) for n, column in pieces]
    return Column(np.concatenate([c.numbers for c in columns]), np.concatenate([c.present for c in columns]))
