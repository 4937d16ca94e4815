"""A result is written whole or not at all, and whether it can be written is known before the work."""

import os

import pytest

from api.destinations import require_file_place, require_folder_place, whole_file, write_whole
from oracle.errors import ConfigError


def test_a_file_is_replaced_whole(tmp_path):
    place = tmp_path / "a.json"
    write_whole(place, "first")
    write_whole(place, b"second")
    assert place.read_text() == "second"
    assert list(tmp_path.iterdir()) == [place]


def write_half(place, error):
    with whole_file(place) as fresh:
        fresh.write_text("half")
        raise error


def test_what_fails_half_way_leaves_the_old_file(tmp_path):
    place = tmp_path / "a.json"
    write_whole(place, "first")
    for error in (OSError(28, "No space left on device"), KeyboardInterrupt()):
        with pytest.raises((ConfigError, KeyboardInterrupt), match=r"a\.json: cannot be written: No space left|^$"):
            write_half(place, error)
    assert place.read_text() == "first"
    assert list(tmp_path.iterdir()) == [place]


def test_a_link_stays_a_link(tmp_path):
    (tmp_path / "link.json").symlink_to("target.json")
    write_whole(tmp_path / "link.json", "content")
    assert (tmp_path / "link.json").is_symlink()
    assert (tmp_path / "target.json").read_text() == "content"


def test_a_pipe_is_written_to_and_stays(tmp_path):
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    require_file_place(pipe)
    reader = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
    try:
        write_whole(pipe, "content")
        assert os.read(reader, 100) == b"content"
    finally:
        os.close(reader)
    assert list(tmp_path.iterdir()) == [pipe]


def test_trying_a_place_leaves_no_trace(tmp_path):
    (tmp_path / "old.json").write_text("old")
    require_file_place(tmp_path / "old.json")
    require_file_place(tmp_path / "new.json")
    require_folder_place(tmp_path)
    require_folder_place(tmp_path / "new")
    assert [each.name for each in tmp_path.iterdir()] == ["old.json"]
    assert (tmp_path / "old.json").read_text() == "old"


@pytest.mark.parametrize("name", ["missing/a.json", "file/a.json", "folder", "loop/a.json", "zero\0byte", "x" * 300])
def test_a_file_that_cannot_be_written_is_refused_before(tmp_path, name):
    (tmp_path / "file").touch()
    (tmp_path / "folder").mkdir()
    (tmp_path / "loop").symlink_to("loop")
    with pytest.raises(ConfigError, match="cannot be written"):
        require_file_place(tmp_path / name)


@pytest.mark.parametrize("name", ["missing/out", "file", "file/out"])
def test_a_folder_that_cannot_be_made_is_refused_before(tmp_path, name):
    (tmp_path / "file").touch()
    with pytest.raises(ConfigError, match="cannot be written"):
        require_folder_place(tmp_path / name)


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_what_may_not_be_written_is_refused_before(tmp_path):
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o500)
    (tmp_path / "read-only.json").touch(mode=0o400)
    for place in (closed / "a.json", tmp_path / "read-only.json"):
        with pytest.raises(ConfigError, match="Permission denied"):
            require_file_place(place)
    with pytest.raises(ConfigError, match="Permission denied"):
        require_folder_place(closed)
