"""The newest refusals are kept, the oldest dropped: what a sender makes up must not fill a disk.

Refusals are there for people to find out what is wrong; nothing is settled from them. Where their chain of links begins
after rows were dropped is kept in the journal's identity.
"""

import sqlite3

from oracle.journal.links import FIRST_LINK

MAX_REJECTIONS = 50_000
"""Rows that are kept: at most 80 MB."""
SLACK = 5_000
"""So many more may pile up before the oldest are dropped, all at once."""
PAYLOAD_KEPT = 1024
"""Bytes kept of a refused message."""
TEXT_KEPT = 256
"""Characters kept of its topic and of the detail."""
_BEGINS = "rejections_begin"


def chain_begins(connection: sqlite3.Connection) -> tuple[int, bytes]:
    """(number, link) of the last refusal that was dropped; (0, FIRST_LINK) before the first is."""
    row = connection.execute("SELECT content FROM identity WHERE name = ?", (_BEGINS,)).fetchone()
    if row is None:
        return 0, FIRST_LINK
    number, _, link = row[0].partition(" ")
    return int(number), bytes.fromhex(link)


def drop_oldest(connection: sqlite3.Connection) -> int:
    """Within a transaction, drop the oldest refusals beyond MAX_REJECTIONS, once they are SLACK more. Return how many."""
    dropped, _ = chain_begins(connection)
    (last,) = connection.execute("SELECT coalesce(max(seq), 0) FROM rejection").fetchone()
    if last - dropped <= MAX_REJECTIONS + SLACK:
        return 0
    until = last - MAX_REJECTIONS
    row = connection.execute("SELECT link FROM rejection WHERE seq = ?", (until,)).fetchone()
    if row is None:
        return 0  # somebody took it out: the check of the journal tells
    (link,) = row
    connection.execute("DELETE FROM rejection WHERE seq <= ?", (until,))
    connection.execute("INSERT OR REPLACE INTO identity VALUES (?, ?)", (_BEGINS, f"{until} {link.hex()}"))
    return int(until - dropped)
