"""What was settled: marks, months of revenue, and which asset each credit's serial number leads to.

Follows `contracts/src/ledger/Marks.sol` and `MarkLedger.sol`: a mark is told as it stands, and what it adds is the difference.
"""

from dataclasses import dataclass
from typing import NamedTuple

from api.projection.chain_logs import ChainLog
from api.projection.store import Writing
from contracts.state import from_bytes32

STARTED = 1
_VINTAGE_MASK = (1 << 32) - 1


class MarkWord(NamedTuple):
    """The word of a mark, field by field, from the lowest bits on."""

    energy_wh: int
    credits_g: int
    revenue_minor: int
    cutoff_s: int
    epoch: int
    month: int
    """Months since January of the vintage."""
    flags: int
    claim_kind: int

    @classmethod
    def read(cls, word: int) -> "MarkWord":
        """Take a word apart."""
        fields = []
        for bits in (48, 56, 64, 32, 32, 8, 8, 8):
            fields.append(word & ((1 << bits) - 1))
            word >>= bits
        return cls(*fields)


@dataclass(frozen=True)
class _Raised:
    """One mark of a batch."""

    asset: int
    project_id: str | None
    vintage: int
    credits_g: int
    """Newly issued."""
    epoch: int


class Settling:
    """Writes what the ledger tells, in the chain's order."""

    def __init__(self, writing: Writing) -> None:
        self._writing = writing
        self._batch: list[_Raised] = []
        self._tx = ""

    def settled(self, log: ChainLog) -> None:
        """Raise a mark, and the month that what is new in it belongs to."""
        self._in_transaction(log.tx)
        asset_id, vintage = split_key(log.args["assetVintage"])
        asset = self._writing.asset(asset_id)
        new = MarkWord.read(log.args["mark"])
        connection = self._writing.connection
        query = (
            "SELECT energy_wh, credits_g, revenue_minor, revenue_reversed_minor, revenue_offset_minor FROM mark"
            " WHERE asset = ? AND vintage = ?"
        )
        before = connection.execute(query, (asset, vintage)).fetchone() or (0, 0, 0, 0, 0)
        energy_wh, credits_g, revenue_minor, reversed_minor, offset_minor = before
        issued_minor = new.revenue_minor - revenue_minor
        made_up_minor = min(issued_minor, reversed_minor - offset_minor)
        connection.execute(
            "INSERT INTO mark VALUES (?, ?, ?, ?, ?, 0, 0, 0, 0, ?, ?, ?, ?, ?, 0) ON CONFLICT DO UPDATE SET"
            " energy_wh = excluded.energy_wh, credits_g = excluded.credits_g, revenue_minor = excluded.revenue_minor,"
            " cutoff_s = excluded.cutoff_s, epoch = excluded.epoch, month = excluded.month, flags = excluded.flags,"
            " claim_kind = excluded.claim_kind, revenue_offset_minor = revenue_offset_minor + ?",
            (asset, vintage, *new, made_up_minor),
        )
        self._entitle(asset, issued_minor - made_up_minor)
        self._batch.append(_Raised(asset, self._project_of(asset), vintage, new.credits_g - credits_g, new.epoch))
        document = {
            "vintage": vintage,
            "energy_wh": new.energy_wh - energy_wh,
            "credits_g": new.credits_g - credits_g,
            "revenue_minor": issued_minor,
            "epoch": new.epoch,
            "block": log.block,
            "transaction": log.tx,
        }
        if document["energy_wh"] or document["credits_g"] or issued_minor:
            self._writing.tell("mint", asset, log.at_s * 1000, document)
        self._writing.touch([asset])

    def reversed(self, log: ChainLog) -> None:
        """Count what was newly taken back; it is told before the mark."""
        self._in_transaction(log.tx)
        asset_id, vintage = split_key(log.args["assetVintage"])
        asset = self._writing.asset(asset_id)
        figures = (log.args["energyWh"], log.args["creditsG"], log.args["revenueMinor"])
        self._writing.connection.execute(
            "INSERT INTO mark VALUES (?, ?, 0, 0, 0, ?, ?, ?, 0, 0, 0, 0, 0, 0, 0) ON CONFLICT DO UPDATE SET"
            " energy_reversed_wh = energy_reversed_wh + excluded.energy_reversed_wh,"
            " credits_reversed_g = credits_reversed_g + excluded.credits_reversed_g,"
            " revenue_reversed_minor = revenue_reversed_minor + excluded.revenue_reversed_minor",
            (asset, vintage, *figures),
        )
        document = dict(zip(("energy_wh", "credits_g", "revenue_minor"), figures, strict=True))
        place = {"vintage": vintage, "block": log.block, "transaction": log.tx}
        self._writing.tell("reversal", asset, log.at_s * 1000, {**place, **document})
        self._writing.touch([asset])

    def batch_settled(self, _log: ChainLog) -> None:
        """End a batch."""
        self._batch = []

    def issued(self, log: ChainLog) -> None:
        """Count what a batch issued of a credit id, and give each of its assets its serial numbers."""
        self._in_transaction(log.tx)
        project_id, vintage = split_key(log.args["id"])
        issued_g, reversed_g, offset_g = log.args["issuedG"], log.args["reversedG"], log.args["offsetG"]
        connection = self._writing.connection
        query = "SELECT issued_g - offset_g FROM credit WHERE project_id = ? AND vintage = ?"
        row = connection.execute(query, (project_id, vintage)).fetchone()
        serial = (row[0] if row else 0) + 1
        connection.execute(
            "INSERT INTO credit VALUES (?, ?, ?, ?, ?, 0, 0) ON CONFLICT DO UPDATE SET issued_g = issued_g + excluded.issued_g,"
            " reversed_g = reversed_g + excluded.reversed_g, offset_g = offset_g + excluded.offset_g",
            (project_id, vintage, issued_g, reversed_g, offset_g),
        )
        made_up_g = offset_g
        for raised in self._batch:
            if (raised.project_id, raised.vintage) != (project_id, vintage):
                continue
            taken_g = min(raised.credits_g, made_up_g)  # what makes up for a reversal has no number
            made_up_g -= taken_g
            if grams := raised.credits_g - taken_g:
                connection.execute(
                    "INSERT INTO portion (project_id, vintage, first_serial, last_serial, asset, epoch, block, tx)"
                    " VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
                    (project_id, vintage, serial, serial + grams - 1, raised.asset, raised.epoch, log.block, log.tx),
                )
                serial += grams
        self._writing.touch_all()

    def _in_transaction(self, tx: str) -> None:
        if tx != self._tx:
            self._tx, self._batch = tx, []

    def _project_of(self, asset: int) -> str | None:
        query = "SELECT project_id FROM asset WHERE number = ?"
        row = self._writing.connection.execute(query, (asset,)).fetchone()
        return None if row is None else row[0]

    def _entitle(self, asset: int, minor: int) -> None:
        """Add what entitles holders to the asset's running month: that of its newest vintage."""
        query = "SELECT vintage, month FROM mark WHERE asset = ? AND flags & ? ORDER BY vintage DESC LIMIT 1"
        row = self._writing.connection.execute(query, (asset, STARTED)).fetchone()
        if row is None:
            return
        number = row[0] * 12 + row[1]
        self._writing.connection.execute(
            "INSERT INTO receivable VALUES (?, ?, ?, 0, 0, 0) ON CONFLICT DO UPDATE SET"
            " attested_minor = attested_minor + excluded.attested_minor",
            (asset, number // 12 * 100 + number % 12 + 1, minor),
        )


def split_key(key: int) -> tuple[str, int]:
    """Split a token id or a mark's key into the identifier and the number behind it. Raises ValueError."""
    number = key & _VINTAGE_MASK
    return from_bytes32((key - number).to_bytes(32)), number
