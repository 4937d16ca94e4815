"""Whose evidence may be shown to everyone: the owner of an asset says so, and may take it back for what comes after."""

from api.access.database import AccessFile


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

    def released_by(self, asset_id: str) -> str | None:
        """Return the address that released an asset's evidence; None if nobody did, or it was taken back.

        The word of an owner who has sold the asset meanwhile is not the new owner's: hold it against the beneficiary.
        """
        rows = self._file.rows("SELECT address FROM release WHERE asset_id = ? AND released", asset_id)
        return str(rows[0][0]) if rows else None
