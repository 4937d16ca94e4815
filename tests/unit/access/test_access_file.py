"""The one file of access."""

import sqlite3

import pytest

from api.access.access import Access, AccessSettings
from api.access.database import AccessFile
from api.access.releases import Releases, Said
from oracle.errors import ConfigError

SETTINGS = AccessSettings("https://sun.example", 1)


def test_a_file_of_a_newer_release_is_refused(tmp_path):
    path = tmp_path / "access.sqlite"
    AccessFile(path).close()
    with sqlite3.connect(path) as connection:
        connection.execute("PRAGMA user_version = 99")
    connection.close()
    with pytest.raises(ConfigError, match="newer release"):
        AccessFile(path)


def test_a_file_that_is_no_database_is_refused(tmp_path):
    path = tmp_path / "access.sqlite"
    path.write_text("no database at all, " * 100)
    with pytest.raises(ConfigError, match="cannot be used"):
        AccessFile(path)


def test_what_fails_halfway_is_not_kept(tmp_path):
    file = AccessFile(tmp_path / "access.sqlite")
    with pytest.raises(sqlite3.IntegrityError), file.writing() as connection:  # noqa: PT012
        connection.execute("INSERT INTO person VALUES ('p', 'a')")
        connection.execute("INSERT INTO person VALUES ('p', 'b')")
    assert file.rows("SELECT * FROM person") == []
    file.close()


def test_evidence_is_released_by_whoever_owns_it_now(tmp_path):
    owners = {"roof": "0xA"}
    access = Access.open(
        tmp_path / "access.sqlite", SETTINGS, lambda address: frozenset(k for k, v in owners.items() if v == address)
    )
    assert not access.is_released("roof")
    access.releases.put("roof", released=True, address="0xA", now_ms=1)
    assert access.is_released("roof")
    owners["roof"] = "0xB"  # sold: the new owner has not said so
    assert not access.is_released("roof")
    access.releases.put("roof", released=True, address="0xB", now_ms=2)
    assert access.is_released("roof")
    access.releases.put("roof", released=False, address="0xB", now_ms=3)
    assert not access.is_released("roof")
    access.close()


def test_what_is_kept_is_there_after_a_restart(tmp_path):
    file = AccessFile(tmp_path / "access.sqlite")
    Releases(file).put("roof", released=True, address="0xA", now_ms=1)
    file.close()
    file = AccessFile(tmp_path / "access.sqlite")
    assert Releases(file).said("roof") == Said(released=True, address="0xA", at_ms=1)
    file.close()
