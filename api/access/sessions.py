"""Sessions: what a wallet's signature is exchanged for, for some hours."""

from dataclasses import dataclass

from api.access.database import AccessFile
from api.access.tokens import SESSION, new_token, token_digest


@dataclass(frozen=True)
class Session:
    """An open session."""

    session_id: str
    address: str
    """Checksummed; who signed in."""
    opened_ms: int
    expires_ms: int


class NonceUsedError(Exception):
    """The nonce has opened a session before."""


class SessionStore:
    """The sessions of one access file, and the nonces that were used up."""

    def __init__(self, file: AccessFile) -> None:
        self._file = file

    def open(self, address: str, nonce: str, nonce_ends_ms: int, now_ms: int, expires_ms: int) -> tuple[Session, str]:
        """Use a nonce up and open a session, both or neither; return it, and its token, which is nowhere else.

        Raises:
            NonceUsedError: somebody was faster, or it is a replay.

        """
        number, token = new_token(SESSION)
        with self._file.writing() as connection:
            fresh = connection.execute(
                "INSERT INTO used_nonce VALUES (?, ?) ON CONFLICT DO NOTHING", (nonce, nonce_ends_ms)
            )
            if not fresh.rowcount:
                raise NonceUsedError
            connection.execute(
                "INSERT INTO session VALUES (?, ?, ?, ?, ?)",
                (number, token_digest(token), address, now_ms, expires_ms),
            )
        return Session(number, address, now_ms, expires_ms), token

    def find(self, digest: bytes) -> Session | None:
        """Look a session up by what is kept of its token."""
        rows = self._file.rows("SELECT id, address, opened_ms, expires_ms FROM session WHERE digest = ?", digest)
        return Session(*rows[0]) if rows else None

    def close(self, session_id: str) -> None:
        """Close a session, at once."""
        with self._file.writing() as connection:
            connection.execute("DELETE FROM session WHERE id = ?", (session_id,))

    def sweep(self, now_ms: int) -> None:
        """Drop sessions and nonces that are over."""
        with self._file.writing() as connection:
            connection.execute("DELETE FROM session WHERE expires_ms <= ?", (now_ms,))
            connection.execute("DELETE FROM used_nonce WHERE expires_ms <= ?", (now_ms,))
