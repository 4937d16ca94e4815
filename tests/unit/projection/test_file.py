"""The projection's file: made anew where it is of another version, and never in place of somebody else's."""

import sqlite3
from contextlib import closing

import pytest

from api.projection import schema
from api.projection.places import EXAMPLE, Place, load_places
from oracle.errors import ConfigError


def test_a_file_of_another_version_is_thrown_away(open_projection, monkeypatch):
    projection = open_projection()
    instance = projection.instance()
    with projection.writing() as writing:
        writing.tell("report", None, 0, {})
    projection.close()
    assert open_projection().last_event() == 1
    monkeypatch.setattr(schema, "SCHEMA_VERSION", schema.SCHEMA_VERSION + 1)
    made_anew = open_projection()
    assert made_anew.last_event() == 0
    assert made_anew.instance() != instance


@pytest.mark.parametrize("content", [b"a photograph", None])
def test_what_is_no_projection_is_left_alone(open_projection, tmp_path, content):
    path = tmp_path / "projection.sqlite"
    if content is not None:
        path.write_bytes(content)
    else:
        with closing(sqlite3.connect(path)) as other:
            other.execute("CREATE TABLE journal (seq INTEGER)")
    before = path.read_bytes()
    with pytest.raises(sqlite3.DatabaseError):
        open_projection()
    assert path.read_bytes() == before


def test_an_empty_file_is_filled(open_projection, tmp_path):
    (tmp_path / "projection.sqlite").touch()
    assert open_projection().assets(None, None, 10).items == []


def test_waiting_for_a_change(empty):
    version = empty.version()
    assert empty.wait_for(version, 0.01) == version
    with empty.writing() as writing:
        writing.tell("report", None, 0, {})
    assert empty.wait_for(version, 10) == version + 1
    empty.wait_fresh(0.1)  # nothing is followed, so nothing is waited for


def test_old_events_go(empty, monkeypatch):
    monkeypatch.setattr("api.projection.store.EVENTS_KEPT", 1500)
    with empty.writing() as writing:
        for number in range(3000):
            writing.tell("report", None, number, {"epoch": number})
    first, *_ = empty.events(0, 10_000)
    assert first.number == 1501
    assert empty.last_event() == 3000


def test_places_are_read(tmp_path):
    path = tmp_path / "places.toml"
    path.write_text(EXAMPLE)
    assert load_places(path) == {"roof-1": Place("roof-1", 22.331, 114.162, "Sham Shui Po rooftop")}


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("[[place]]\nasset_id = 'a'\nlatitude = 91\nlongitude = 0", "latitude"),
        ("[[place]]\nasset_id = 'a'\nlatitude = 1\nlongitude = 0\nheight = 3", "height"),
        ("[[place]]\nasset_id = 'a'\nlatitude = 1\nlongitude = 0\n" * 2, "two places"),
        ("[[place", "cannot be read"),
    ],
)
def test_a_place_that_is_none_is_refused(tmp_path, text, what):
    path = tmp_path / "places.toml"
    path.write_text(text)
    with pytest.raises(ConfigError, match=what):
        load_places(path)
    with pytest.raises(ConfigError):
        load_places(tmp_path / "nothing.toml")
