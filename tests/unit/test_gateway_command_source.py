"""A program that asks the meters: what it prints is registers, or it is named."""

import sys

import pytest

from devices.meter_command import MAX_OUTPUT_BYTES, MeterCommand, registers
from devices.meter_source import SourceError
from devices.polled_meters import Registers


def program(tmp_path, body):
    path = tmp_path / "read-meters"
    path.write_text(body)
    return MeterCommand([sys.executable, str(path)], 2)


def test_what_it_prints_is_read(tmp_path):
    ask = program(tmp_path, 'print("meter_id,power_w,export_wh\\nroof-1,-4,41919016\\n\\nroof-2,,")')
    assert ask() == {"roof-1": Registers(41_919_016, power_w=-4), "roof-2": Registers(None)}
    assert registers(b"meter_id,import_wh\r\na,7\r\n") == {"a": Registers(None, 7)}
    assert registers(b"meter_id,import_wh\n") == {}


@pytest.mark.parametrize(
    ("output", "complaint"),
    [
        (b"", "line 1: '' does not name"),
        (b"meter_id\nroof\n", "line 1"),
        (b"meter_id,export_wh,export_wh\n", "line 1"),
        (b"meter_id,export_wh,measured_at\n", "line 1"),
        (b"meter_id,export_wh\na,1\nb\n", "line 3: 1 cells, not 2"),
        (b"meter_id,export_wh\na,1.5\n", "line 2: export_wh '1.5' is not a whole number"),
        (b"meter_id,export_wh\na,-1\n", "line 2: export_wh '-1' is negative"),
        (b"meter_id,export_wh\na b,1\n", "line 2: meter_id 'a b' is not an identifier"),
        (b"meter_id,export_wh\na,1\na,2\n", "line 3: meter a is there twice"),
        (b'meter_id,export_wh\n"a,1\n', "line 2: "),
        (b"\xff", "can't decode"),
        (b"x" * (MAX_OUTPUT_BYTES + 1), "prints more than"),
    ],
)
def test_anything_else_is_named(output, complaint):
    with pytest.raises(ValueError, match=complaint):
        registers(output)


@pytest.mark.parametrize(
    ("body", "complaint"),
    [
        ('import sys; print("no bus", file=sys.stderr); sys.exit(3)', "ends with code 3: no bus"),
        ("import time; time.sleep(60)", "takes longer than 2 s"),
        ('print("meter_id,export_wh\\nroof,x")', "line 2: export_wh 'x'"),
    ],
)
def test_a_program_that_fails_is_named(tmp_path, body, complaint):
    with pytest.raises(SourceError, match=complaint):
        program(tmp_path, body)()


def test_a_program_that_is_not_there_is_named(tmp_path):
    with pytest.raises(SourceError, match="read-it: cannot be run: No such file"):
        MeterCommand([str(tmp_path / "read-it")], 2)()
