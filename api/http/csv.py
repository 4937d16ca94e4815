"""Rows as CSV (RFC 4180): the same members as in JSON, in one line each."""

import csv
import io
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

MEDIA_TYPE = "text/csv"
_FORMULA = ("=", "+", "-", "@", "\t", "\r")
"""What spreadsheets take for the beginning of a formula."""


def write_rows(rows: Iterable[Mapping[str, Any]], columns: Sequence[str]) -> bytes:
    """Write rows under a line of column names.

    Nothing (null) is an empty cell, true and false are words, lists are joined by a space. Text that a spreadsheet would take for a
    formula gets an apostrophe before it: purposes and names come from anyone.

    Args:
        rows: each by column name; nested members are flattened by `flat`.
        columns: which members, in which order; the header names them all, also where no row has them.

    """
    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator="\r\n")
    writer.writerow(columns)
    for row in rows:
        flattened = flat(row)
        writer.writerow([_cell(flattened.get(column)) for column in columns])
    return text.getvalue().encode()


def flat(row: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    """Lift the members of nested objects, named `outer.inner`; lists of objects become how many there are."""
    found: dict[str, Any] = {}
    for name, member in row.items():
        if isinstance(member, Mapping):
            found |= flat(member, f"{prefix}{name}.")
        elif isinstance(member, list) and any(isinstance(each, Mapping) for each in member):
            found[prefix + name] = len(member)
        else:
            found[prefix + name] = member
    return found


def _cell(member: object) -> str:
    if member is None:
        return ""
    if isinstance(member, bool):
        return "true" if member else "false"
    if isinstance(member, list):
        return _cell(" ".join(map(str, member)))
    if isinstance(member, str):
        return "'" + member if member.startswith(_FORMULA) else member
    return str(member)
