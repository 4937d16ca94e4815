"""What owners say about themselves: the only personal data there is, none of it on chain or in the audit log. Erasable."""

from dataclasses import dataclass

from api.access.database import AccessFile

_ERASE = (
    "DELETE FROM details WHERE address = ?",
    "DELETE FROM answered WHERE subject = ?1 OR subject IN (SELECT 'key:' || id FROM api_key WHERE address = ?1)",
    "DELETE FROM session WHERE address = ?",
    "DELETE FROM api_key WHERE address = ?",
    "DELETE FROM release WHERE address = ?",
    "DELETE FROM person WHERE address = ?",
)


@dataclass(frozen=True)
class Details:
    """What one owner said."""

    address: str
    name: str | None = None
    email: str | None = None
    language: str | None = None
    changed_ms: int | None = None
    """None if nothing is kept."""


class OwnerDetails:
    """The owners of one access file."""

    def __init__(self, file: AccessFile) -> None:
        self._file = file

    def find(self, address: str) -> Details:
        """Look an owner's details up; empty ones if nothing is kept."""
        rows = self._file.rows(
            "SELECT address, name, email, language, changed_ms FROM details WHERE address = ?", address
        )
        return Details(*rows[0]) if rows else Details(address)

    def put(self, details: Details) -> None:
        """Keep what an owner says, in place of what was kept."""
        with self._file.writing() as connection:
            connection.execute(
                "INSERT OR REPLACE INTO details VALUES (?, ?, ?, ?, ?)",
                (details.address, details.name, details.email, details.language, details.changed_ms),
            )

    def erase(self, address: str) -> None:
        """Erase all that is kept of an owner; it is overwritten in the file, too.

        That is: details, sessions, keys, remembered answers, their word that evidence is public (so it is no more), and who stands
        behind the owner's rows in the audit log.
        """
        with self._file.writing() as connection:
            for statement in _ERASE:
                connection.execute(statement, (address,))
        self._file.forget_traces()
