"""Credits where they are, retirements, and the money of each month, as the chain tells of them."""

from api.projection.chain_logs import ChainLog, ChainReader
from api.projection.chain_settling import split_key
from api.projection.store import Writing
from contracts.state import from_bytes32

NOBODY = "0x" + "0" * 40
_NO_NAME = bytes(32)


class Tokens:
    """Writes what the token contracts tell, in the chain's order."""

    def __init__(self, writing: Writing, reader: ChainReader) -> None:
        self._writing = writing
        self._reader = reader

    def transferred(self, log: ChainLog) -> None:
        """Move credits between holders; from and to nobody when they are minted and burned."""
        args = log.args
        pairs = zip(args["ids"], args["values"], strict=True) if "ids" in args else [(args["id"], args["value"])]
        for token, grams in pairs:
            project_id, vintage = split_key(token)
            for holder, change in ((args["from"], -grams), (args["to"], grams)):
                if holder != NOBODY:
                    self._writing.connection.execute(
                        "INSERT INTO credit_balance VALUES (?, ?, ?, ?)"
                        " ON CONFLICT DO UPDATE SET grams = grams + excluded.grams",
                        (project_id, vintage, holder, change),
                    )
        self._writing.is_shown = True

    def drawn(self, log: ChainLog) -> None:
        """Note what an asset's owner took out of the vault."""
        asset = self._writing.asset(from_bytes32(bytes(log.args["assetId"])))
        self._writing.connection.execute(
            "UPDATE mark SET drawn_g = drawn_g + ? WHERE asset = ? AND vintage = ?",
            (log.args["grams"], asset, log.args["vintage"]),
        )
        self._writing.touch([asset])

    def cancelled(self, log: ChainLog) -> None:
        """Count credits that the buffer gave up for a reversal."""
        self._add_to_credit("cancelled_g", log.args["id"], log.args["grams"])

    def sealed(self, log: ChainLog) -> None:
        """Note that a vintage issues nothing more."""
        project_id = from_bytes32(bytes(log.args["projectId"]))
        self._writing.connection.execute(
            "INSERT OR IGNORE INTO sealed VALUES (?, ?)", (project_id, log.args["vintage"])
        )
        self._writing.touch_all()

    def retired(self, log: ChainLog) -> None:
        """Keep a retirement; serial number and name are read from the contract, where they never change."""
        number = log.args["retirementId"]
        kept = self._reader.call("CarbonCredit", "retirement", number)
        token, grams, first_serial, at_s, holder, beneficiary, name_hash, name, purpose = (
            kept.values() if hasattr(kept, "values") else kept
        )
        project_id, vintage = split_key(token)
        self._add_to_credit("retired_g", token, grams)
        self._writing.connection.execute(
            f"INSERT OR REPLACE INTO retirement VALUES ({', '.join('?' * 13)}, 0)",  # noqa: S608  question marks
            (
                number, project_id, vintage, grams, first_serial, holder, beneficiary, name, bytes(name_hash), purpose, at_s,
                log.block, log.tx,
            ),
        )  # fmt: skip
        document = {
            "retirement": number,
            "project_id": project_id,
            "vintage": vintage,
            "grams": grams,
            "retired_by": holder,
            "beneficiary_address": beneficiary,
            "beneficiary": name or None,
            "purpose": purpose,
            "block": log.block,
            "transaction": log.tx,
        }
        self._writing.tell("retirement", None, at_s * 1000, document)
        self._writing.touch_all()

    def certified(self, log: ChainLog) -> None:
        """Note that a retirement has its certificate."""
        self._writing.connection.execute("UPDATE retirement SET certified = 1 WHERE number = ?", (log.args["tokenId"],))
        self._writing.is_shown = True

    def deposited(self, log: ChainLog) -> None:
        """Keep a deposit for a month."""
        asset, month, minor = self._asset_of(log), log.args["month"], log.args["arrivedMinor"]
        self._add_to_month(asset, month, deposited_minor=minor)
        self._writing.connection.execute(
            "INSERT INTO deposit (asset, month, minor, sender, at_s, block, tx) VALUES (?, ?, ?, ?, ?, ?, ?)",
            (asset, month, minor, log.args["from"], log.at_s, log.block, log.tx),
        )
        document = {"month": month, "minor": minor, "by": log.args["from"], "block": log.block, "transaction": log.tx}
        self._writing.tell("deposit", asset, log.at_s * 1000, document)

    def excess_carried(self, log: ChainLog) -> None:
        """Move what a month can never use to the one that followed."""
        asset, minor = self._asset_of(log), log.args["minor"]
        self._add_to_month(asset, log.args["fromMonth"], deposited_minor=-minor)
        self._add_to_month(asset, log.args["toMonth"], deposited_minor=minor)

    def written_down(self, log: ChainLog) -> None:
        """Note what of a month will not be paid."""
        self._add_to_month(self._asset_of(log), log.args["month"], written_down_minor=log.args["minor"])

    def claimed(self, log: ChainLog) -> None:
        """Keep what a holder took for a month."""
        asset_id, month = split_key(log.args["id"])
        asset, minor = self._writing.asset(asset_id), log.args["paidMinor"]
        self._add_to_month(asset, month, paid_minor=minor)
        self._writing.connection.execute(
            "INSERT INTO claim (asset, month, minor, holder, receiver, at_s, block, tx) VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
            (asset, month, minor, log.args["holder"], log.args["to"], log.at_s, log.block, log.tx),
        )
        document = {"month": month, "minor": minor, "by": log.args["holder"], "to": log.args["to"]}
        place = {"block": log.block, "transaction": log.tx}
        self._writing.tell("claim", asset, log.at_s * 1000, {**document, **place})

    def feed_created(self, log: ChainLog) -> None:
        """Note where a feed is; asset zero is the fleet."""
        raw = bytes(log.args["assetId"])
        asset = None if raw == _NO_NAME else self._writing.asset(from_bytes32(raw))
        self._writing.connection.execute(
            "INSERT OR REPLACE INTO feed VALUES (?, ?, ?)", (log.args["feed"], asset, log.args["metric"])
        )
        self._writing.is_shown = True

    def _asset_of(self, log: ChainLog) -> int:
        return self._writing.asset(from_bytes32(bytes(log.args["assetId"])))

    def _add_to_credit(self, column: str, token: int, grams: int) -> None:
        project_id, vintage = split_key(token)
        self._writing.connection.execute(
            f"UPDATE credit SET {column} = {column} + ? WHERE project_id = ? AND vintage = ?",  # noqa: S608  our names
            (grams, project_id, vintage),
        )
        self._writing.is_shown = True

    def _add_to_month(
        self, asset: int, month: int, *, deposited_minor: int = 0, written_down_minor: int = 0, paid_minor: int = 0
    ) -> None:
        self._writing.connection.execute(
            "INSERT INTO receivable VALUES (?, ?, 0, ?, ?, ?) ON CONFLICT DO UPDATE SET"
            " deposited_minor = deposited_minor + excluded.deposited_minor,"
            " written_down_minor = written_down_minor + excluded.written_down_minor,"
            " paid_minor = paid_minor + excluded.paid_minor",
            (asset, month, deposited_minor, written_down_minor, paid_minor),
        )
        self._writing.touch([asset])
