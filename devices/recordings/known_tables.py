"""Tables that are known by their header, so that nobody has to write a mapping for them."""

import csv
from functools import cache

from devices.recordings.mapping import TableMapping


def _interval(meter_id: str, **columns: str) -> dict[str, object]:
    entries = {name: {"column": column, "unit": "Wh"} for name, column in columns.items()}
    return {"id": meter_id, "kind": "interval", **entries}


_KNOWN: dict[tuple[str, ...], tuple[str, dict[str, object]]] = {
    # Enphase Enlighten, hourly energy of a site with consumption meters: its days run from 00:00 to 23:00
    (
        "Date/Time",
        "Energy Produced (Wh)",
        "Energy Consumed (Wh)",
        "Exported to Grid (Wh)",
        "Imported from Grid (Wh)",
    ): (
        "enphase-hourly",
        {
            "time": {"column": "Date/Time", "format": "%m/%d/%Y %H:%M", "label": "start", "interval": "1h"},
            "meter": [
                _interval("production", export="Energy Produced (Wh)"),
                _interval("grid", export="Exported to Grid (Wh)", **{"import": "Imported from Grid (Wh)"}),
                _interval("consumption", **{"import": "Energy Consumed (Wh)"}),
            ],
        },
    ),
    # A register's first figure of each hour, as InfluxQL selects it: first(kWh) ... GROUP BY time(1h)
    ("Time", "kWh.first"): (
        "hourly-register",
        {
            "time": {"column": "Time", "format": "%Y-%m-%d %H:%M:%S"},
            "meter": [{"id": "register", "kind": "register", "export": {"column": "kWh.first", "unit": "kWh"}}],
        },
    ),
}


@cache
def _mapping(header: tuple[str, ...]) -> tuple[str, TableMapping]:
    form, members = _KNOWN[header]
    return form, TableMapping.model_validate(members)


def known_table(text: str) -> tuple[str, TableMapping] | None:
    """Return the name and the mapping of a table whose header is known, or None."""
    first, _, _ = text.partition("\n")
    try:
        header = tuple(name.strip() for name in next(csv.reader([first], strict=True), []))
    except csv.Error:
        return None
    return _mapping(header) if header in _KNOWN else None
