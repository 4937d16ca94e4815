"""A table that grows is read to its end, again and again, each row once."""

import pytest

from devices import meter_source
from devices.meter_source import SourceError, TailedTable

HEADER = "measured_at,meter_id,export_wh\n"


def row(number, meter="east"):
    return f"2026-05-01T{number // 60:02}:{number % 60:02}:00Z,{meter},{number}\n"


class Tail:
    """A table and whoever reads it, who remembers only the place."""

    def __init__(self, path):
        self.path = path
        self.place = None

    def append(self, text):
        with self.path.open("a") as file:
            file.write(text)

    def take(self):
        """Registers of all that is new, by meter."""
        found = {}
        while (taken := TailedTable(self.path).take(self.place)) is not None:
            self.place = taken.place
            for meter, readings in taken.readings.items():
                found.setdefault(meter, []).extend(each.export_wh for each in readings)
        return found


@pytest.fixture
def tail(tmp_path):
    return Tail(tmp_path / "readings.csv")


def test_each_row_is_read_once(tail):
    tail.append(HEADER)
    assert tail.take() == {}
    tail.append(row(1) + row(2, "west"))
    assert tail.take() == {"east": [1], "west": [2]}
    assert tail.take() == {}
    tail.append(row(3))
    assert tail.take() == {"east": [3]}


def test_a_line_without_its_end_waits(tail):
    tail.append(HEADER[:-3])
    assert tail.take() == {}
    tail.append(HEADER[-3:] + row(1) + row(2)[:-5])
    assert tail.take() == {"east": [1]}
    tail.append(row(2)[-5:])
    assert tail.take() == {"east": [2]}


def test_a_row_that_is_none_stops_the_reading_until_it_is_mended(tail):
    tail.append(HEADER + row(1) + "\n" + row(2) + "2026-05-01T00:03:00Z,east,x\n" + row(4))
    with pytest.raises(SourceError, match=r"line 5: .*'x'"):
        tail.take()
    with pytest.raises(SourceError, match="line 5"):
        tail.take()
    tail.path.write_text(tail.path.read_text().replace(",x\n", ",3\n"))
    assert tail.take() == {"east": [3, 4]}


def test_rows_before_a_bad_one_are_taken(tail):
    tail.append(HEADER + row(1) + row(2) + "nonsense\n")
    taken = TailedTable(tail.path).take(None)
    assert [each.export_wh for each in taken.readings["east"]] == [1, 2]
    with pytest.raises(SourceError, match="line 4"):
        TailedTable(tail.path).take(taken.place)


def test_a_file_that_was_written_anew_with_more_rows_is_the_same_file(tail):
    tail.append(HEADER + row(1))
    tail.take()
    text = tail.path.read_text()
    tail.path.unlink()
    tail.append(text + row(2))
    assert tail.take() == {"east": [2]}


@pytest.mark.parametrize("rows", [(7,), (7, 8, 9, 10, 11)])
def test_another_file_in_its_place_is_read_from_the_start(tail, rows):
    tail.append(HEADER + "".join(map(row, (1, 2, 3))))
    tail.take()
    tail.path.write_text(HEADER + "".join(map(row, rows)))
    assert tail.take() == {"east": list(rows)}


def test_a_long_file_is_read_in_pieces(tail, monkeypatch):
    monkeypatch.setattr(meter_source, "CHUNK_BYTES", 200)
    tail.append(HEADER + "".join(map(row, range(100))))
    assert tail.take() == {"east": list(range(100))}


def test_a_line_without_end_is_not_waited_for_forever(tail, monkeypatch):
    monkeypatch.setattr(meter_source, "CHUNK_BYTES", 200)
    tail.append(HEADER + row(1) + "x" * 200)
    with pytest.raises(SourceError, match="line 3: is longer"):
        tail.take()


@pytest.mark.parametrize(
    ("content", "complaint"),
    [("a,b,c\n1,2,3\n", "line 1: columns"), (HEADER + "\0\xff\n", "line 2"), (HEADER + '"open,east,1\n', "line 2")],
)
def test_what_is_no_table_is_named(tail, content, complaint):
    tail.path.write_bytes(content.encode("latin-1"))
    with pytest.raises(SourceError, match=complaint):
        tail.take()


def test_a_table_that_is_not_there_yet_is_named(tail):
    with pytest.raises(SourceError, match="cannot be read"):
        tail.take()
    tail.append(HEADER + row(1))
    assert tail.take() == {"east": [1]}


def test_windows_line_ends_and_marks_do_not_matter(tail):
    text = ("\ufeff" + HEADER + row(1)).replace("\n", "\r\n")
    tail.path.write_bytes(text.encode())
    assert tail.take() == {"east": [1]}
    with tail.path.open("ab") as file:
        file.write(row(2).replace("\n", "\r\n").encode())
    assert tail.take() == {"east": [2]}
