"""Whose evidence may be shown to everyone: the owner of an asset says so, and may take it back for what comes after."""

from typing import NamedTuple

from api.access.database import AccessFile


class Said(NamedTuple):
    """What was said of an asset's evidence last."""

    released: bool
    address: str
    """Who said it. The word of an owner who has sold the asset meanwhile is not the new owner's: hold it against the beneficiary."""
    at_ms: int


class Releases:
    """The releases of one access file."""

    def __init__(self, file: AccessFile) -> None:
        self._file = file

    def put(self, asset_id: str, *, released: bool, address: str, now_ms: int) -> None:
        """Write down what the owner of an asset says."""
        with self._file.writing() as connection:
            connection.execute(
                "INSERT OR REPLACE INTO release VALUES (?, ?, ?, ?)", (asset_id, released, address, now_ms)
            )

    def said(self, asset_id: str) -> Said | None:
        """What was said of an asset's evidence last; None if nothing ever was."""
        rows = self._file.rows("SELECT released, address, at_ms FROM release WHERE asset_id = ?", asset_id)
        return Said(bool(rows[0][0]), str(rows[0][1]), int(rows[0][2])) if rows else None
