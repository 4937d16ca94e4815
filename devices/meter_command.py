"""Meters behind a program: it asks them once, in whatever way they speak, and prints what their registers show."""

import csv
import io
import subprocess
from collections.abc import Sequence

from devices.identifier import is_identifier
from devices.meter_source import SourceError
from devices.polled_meters import Registers
from devices.recordings.rows import power, register_wh

COLUMNS = ("meter_id", "export_wh", "import_wh", "power_w")
MAX_OUTPUT_BYTES = 1 << 20


class MeterCommand:
    """Runs a program for each look at the meters.

    It prints a CSV and exits with 0:

        meter_id,export_wh,power_w
        roof-1,41919016,1204

    `meter_id` and at least one register are there; `import_wh` and `power_w` are optional; empty is absent. Registers are
    whole watt-hours, power whole watts.

    Args:
        command: program and arguments; no shell is between.
        timeout_s: a program that takes longer is ended [s].

    """

    def __init__(self, command: Sequence[str], timeout_s: float) -> None:
        self._command = list(command)
        self._timeout_s = timeout_s

    def __call__(self) -> dict[str, Registers]:
        """Run it once.

        Raises:
            SourceError: it cannot be run, fails, takes too long, or prints something else.

        """
        name = self._command[0]
        try:
            done = subprocess.run(  # noqa: S603 - the operator's own program, from the operator's own configuration
                self._command, stdin=subprocess.DEVNULL, capture_output=True, timeout=self._timeout_s, check=False
            )
        except subprocess.TimeoutExpired as error:
            raise SourceError(f"{name}: takes longer than {self._timeout_s:g} s") from error
        except OSError as error:
            raise SourceError(f"{name}: cannot be run: {error.strerror or error}") from error
        if done.returncode != 0:
            said = done.stderr.decode(errors="replace").strip().splitlines()
            raise SourceError(f"{name}: ends with code {done.returncode}{': ' + said[-1][:200] if said else ''}")
        try:
            return registers(done.stdout[: MAX_OUTPUT_BYTES + 1])
        except ValueError as error:
            raise SourceError(f"{name}: {error}") from error


def registers(output: bytes) -> dict[str, Registers]:
    """Parse what such a program prints.

    Raises:
        ValueError: it is something else; the message names the line.

    """
    if len(output) > MAX_OUTPUT_BYTES:
        raise ValueError(f"prints more than {MAX_OUTPUT_BYTES} bytes")
    rows = csv.reader(io.StringIO(output.decode("utf-8-sig"), newline=""), strict=True)
    try:
        header = next(rows, [])
        strange = [column for column in header if column not in COLUMNS or header.count(column) > 1]
        if strange or "meter_id" not in header or not {"export_wh", "import_wh"} & set(header):
            raise ValueError(f"line 1: {','.join(header)!r} does not name columns of {', '.join(COLUMNS)}")
        found: dict[str, Registers] = {}
        for row in rows:
            if not row:
                continue
            if len(row) != len(header):
                raise ValueError(f"line {rows.line_num}: {len(row)} cells, not {len(header)}")
            try:
                _add(found, dict(zip(header, row, strict=True)))
            except ValueError as error:
                raise ValueError(f"line {rows.line_num}: {error}") from error
    except csv.Error as error:
        raise ValueError(f"line {rows.line_num}: {error}") from error
    return found


def _add(found: dict[str, Registers], cells: dict[str, str]) -> None:
    meter = cells["meter_id"]
    if not is_identifier(meter):
        raise ValueError(f"meter_id {meter!r} is not an identifier (1 to 28 of A-Z a-z 0-9 . _ -)")
    if meter in found:
        raise ValueError(f"meter {meter} is there twice")
    export, imported, watts = (cells.get(column, "") for column in COLUMNS[1:])
    found[meter] = Registers(
        register_wh(export, "export_wh") if export else None,
        register_wh(imported, "import_wh") if imported else None,
        power(watts) if watts else None,
    )
