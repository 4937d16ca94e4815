"""The books balance only while every journal says what the devices signed and the chain says what the journals settled."""

import sqlite3

import pytest

from oracle.journal.links import FIRST_LINK, LINKED_TABLES, next_link


def tamper(world, node, statement):
    with sqlite3.connect(world.folder / node / "journal.sqlite") as other:
        assert other.execute(statement).rowcount == 1


def test_untouched_books_balance(settled):
    books = settled.world.check_books()
    assert books.findings == []
    assert books.balanced
    assert books.total("minted_wh") == books.total("attested_wh") > 0
    assert books.total("credits_g") > 0


@pytest.mark.parametrize(
    ("node", "statement"),
    [
        ("node-1", "UPDATE envelope SET wire = zeroblob(length(wire)) WHERE seq = 5"),
        ("node-2", "UPDATE envelope SET received_ms = received_ms + 1 WHERE seq = 1"),
        ("node-3", "UPDATE entry SET energy_wh = energy_wh + 1 WHERE seq = 2"),
        ("node-4", "UPDATE report SET document = replace(document, '\"energy_wh\"', '\"energy_Wh\"') WHERE epoch = 1"),
        ("node-1", "UPDATE signed SET signature = zeroblob(65) WHERE epoch = 1"),
        ("node-2", "DELETE FROM envelope WHERE seq = 3"),
        ("node-3", "DELETE FROM envelope WHERE seq = (SELECT max(seq) FROM envelope)"),
    ],
)
def test_altering_one_journal_row_unbalances_the_books(settled, node, statement):
    tamper(settled.world, node, statement)
    books = settled.world.check_books()
    assert not books.balanced
    assert any(finding.startswith(node) for finding in books.findings)


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE report SET document = replace(document, '\"withheld_wh\\\":0', '\"withheld_wh\\\":9')",
        "DELETE FROM report",
        "DELETE FROM used WHERE digest = (SELECT min(digest) FROM used)",
    ],
)
def test_a_record_with_rewritten_links_is_held_against_the_envelopes(settled, statement):
    path = settled.world.folder / "node-2" / "journal.sqlite"
    with sqlite3.connect(path) as other:
        other.execute(statement)
        relink(other)
    books = settled.world.check_books()
    assert not books.balanced
    assert any(finding.startswith("node-2") for finding in books.findings)


def test_a_signature_that_nobody_remembers_is_missed(settled):
    for node in settled.world.nodes:
        with sqlite3.connect(settled.world.folder / node.name / "journal.sqlite") as other:
            other.execute("DELETE FROM signed")
    assert any("no journal remembers" in finding for finding in settled.world.check_books().findings)


def relink(connection):
    for table in LINKED_TABLES:
        link = FIRST_LINK
        for row in connection.execute(f"SELECT * FROM {table} ORDER BY seq").fetchall():
            link = next_link(link, tuple(row[:-1]))
            connection.execute(f"UPDATE {table} SET link = ? WHERE seq = ?", (link, row[0]))


def test_rewriting_all_links_does_not_hide_an_altered_entry(settled):
    path = settled.world.folder / "node-1" / "journal.sqlite"
    with sqlite3.connect(path) as other:
        other.execute("UPDATE entry SET energy_wh = energy_wh + 1000 WHERE seq = 1")
        relink(other)
    assert settled.world.nodes[0].journal.faults() == []
    assert not settled.world.check_books().balanced
