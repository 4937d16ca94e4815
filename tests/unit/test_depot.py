import hashlib
import sqlite3
import threading
from contextlib import closing

import pytest

from api.depot.depot import ERASED, MAX_DOCUMENTS, SCHEMA_VERSION, Depot, DepotFullError, Document
from oracle.errors import ConfigError


@pytest.fixture
def depot(tmp_path):
    with closing(Depot.open(tmp_path / "documents.sqlite")) as depot:
        yield depot


def document(content, asset_id="roof-1", at=1):
    return Document(asset_id, hashlib.sha256(content).digest(), "text/plain", len(content), "anna", at)


def test_what_was_put_is_found_by_its_hash_and_stays(depot, tmp_path):
    deed = document(b"deed")
    assert depot.put(deed, b"deed") is True
    assert depot.put(document(b"deed", at=2), b"deed") is False
    assert depot.document("roof-1", deed.sha256) == (deed, b"deed")
    assert depot.document("roof-2", deed.sha256) is None
    with closing(Depot.open(tmp_path / "documents.sqlite")) as again:
        assert again.documents("roof-1") == [deed]


def test_documents_come_in_the_order_handed_in(depot):
    contents = [b"c", b"a", b"b"]
    for content in contents:
        depot.put(document(content), content)
    assert [each.sha256 for each in depot.documents("roof-1")] == [hashlib.sha256(c).digest() for c in contents]


def test_two_assets_may_share_a_content(depot):
    for asset_id in ("roof-1", "roof-2"):
        assert depot.put(document(b"deed", asset_id), b"deed")
    assert depot.document("roof-2", hashlib.sha256(b"deed").digest())[1] == b"deed"


def test_a_content_under_another_hash_is_refused(depot):
    with pytest.raises(ValueError, match="another SHA-256"):
        depot.put(document(b"deed"), b"forged")
    assert depot.documents("roof-1") == []


def test_an_asset_has_only_so_many(depot):
    for number in range(MAX_DOCUMENTS):
        depot.put(document(b"%d" % number), b"%d" % number)
    with pytest.raises(DepotFullError):
        depot.put(document(b"more"), b"more")
    assert depot.put(document(b"0"), b"0") is False
    assert depot.put(document(b"more", "roof-2"), b"more")


def test_threads_may_put_at_once(depot):
    def put(name):
        for number in range(10):
            content = b"%d %d" % (name, number)
            depot.put(document(content, f"roof-{name}"), content)

    threads = [threading.Thread(target=put, args=(name,)) for name in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [len(depot.documents(f"roof-{name}")) for name in range(4)] == [10] * 4


def test_a_newer_file_and_what_is_none_are_refused(tmp_path):
    Depot.open(tmp_path / "newer.sqlite").close()
    with closing(sqlite3.connect(tmp_path / "newer.sqlite")) as connection:
        connection.execute(f"PRAGMA user_version = {SCHEMA_VERSION + 1}")
    with pytest.raises(ConfigError, match="newer release"):
        Depot.open(tmp_path / "newer.sqlite")
    (tmp_path / "text").write_text("no database, and long enough to be looked at as one" * 10)
    with pytest.raises(ConfigError, match="not usable"):
        Depot.open(tmp_path / "text")


def test_who_handed_it_in_is_forgotten_and_the_document_stays(depot, tmp_path):
    deed, other = document(b"deed"), Document("roof-1", hashlib.sha256(b"b").digest(), "text/plain", 1, "ben", 2)
    depot.put(deed, b"deed")
    depot.put(other, b"b")
    depot.forget("anna")
    assert [(each.sha256, each.put_by) for each in depot.documents("roof-1")] == [
        (deed.sha256, ERASED),
        (other.sha256, "ben"),
    ]
    kept = b"".join(file.read_bytes() for file in tmp_path.iterdir())
    assert (b"anna" in kept, b"ben" in kept) == (False, True)
