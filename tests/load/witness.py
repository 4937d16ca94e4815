"""What the gateways were told, and what the journal says: nobody's memory but the test's own."""

import sqlite3
import threading
from collections import defaultdict
from contextlib import closing


class JournalRows:
    """Which readings a journal holds, read row after row as they come.

    Each look has a connection of its own: one that stayed open would do the recovery for a node that starts after a kill.
    """

    def __init__(self, path) -> None:
        self._path = path
        self._row = 0
        self.held = defaultdict(set)
        """(device, boot) -> sequence numbers."""
        self.doubled = []
        """(device, boot, sequence) found in a second envelope."""

    def look(self):
        with closing(sqlite3.connect(self._path, timeout=30)) as connection:
            rows = connection.execute(
                "SELECT seq, device, boot, first_sequence, reading_count FROM envelope WHERE seq > ? ORDER BY seq",
                (self._row,),
            ).fetchall()
        for seq, device, boot, first, count in rows:
            held = self.held[device, boot]
            sequences = range(first, first + count)
            self.doubled += [(device, boot, each) for each in sequences if each in held]
            held.update(sequences)
            self._row = seq

    def holds(self, accepted):
        return self.held[accepted.device, accepted.boot].issuperset(range(accepted.first, accepted.last + 1))


class Witness:
    """Keeps every signed acknowledgement that a gateway verified, held against the journal in the moment it came."""

    def __init__(self, journal) -> None:
        self._lock = threading.Lock()
        self._rows = JournalRows(journal)
        self.acked = defaultdict(set)
        """(device, boot) -> sequence numbers."""
        self.readings = 0
        """Readings acknowledged so far, repetitions included."""
        self.premature = []
        """Ranges that a node acknowledged and had not committed."""
        self.rejected = []

    def watch(self, gateway):
        """See what this gateway sees: each acknowledgement, once its signature is verified and before it counts."""
        receipts = gateway._receipts
        verified = receipts.verified

        def verified_and_seen(topic, payload):
            acknowledgement = verified(topic, payload)
            self._note(acknowledgement)
            return acknowledgement

        receipts.verified = verified_and_seen

    def _note(self, acknowledgement):
        with self._lock:
            if not all(map(self._rows.holds, acknowledgement.accepted)):
                self._rows.look()
            for each in acknowledgement.accepted:
                if not self._rows.holds(each):
                    self.premature.append(each)
                self.acked[each.device, each.boot].update(range(each.first, each.last + 1))
                self.readings += each.last - each.first + 1
            self.rejected += acknowledgement.rejected


def difference(some, others):
    """What of the readings of `some` is not in `others`, one line a device: short, however much it is."""
    lines = []
    for (device, boot), sequences in some.items():
        if lacking := sequences - others.get((device, boot), set()):
            lines.append(f"{device}, boot {boot}: {len(lacking)} of {len(sequences)}, the first is {min(lacking)}")
    return lines
