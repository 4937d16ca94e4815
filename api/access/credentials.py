"""Tokens looked up: from memory while nothing was revoked, from the file otherwise.

What is remembered is dropped at once when this process revokes something, and within `LOOK_MS` when another one does: each
revocation raises a number in the file, and that number is looked at again by the first request after so long.
"""

import hmac
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass

from api.access.database import AccessFile
from api.access.keys import KeyStore
from api.access.principal import ANY_SCOPE, Role
from api.access.sessions import SessionStore
from api.access.tokens import KEY, TOKEN, token_digest

LOOK_MS = 250
"""How old the knowledge that nothing was revoked may be [ms]."""
MOST_REMEMBERED = 10_000


@dataclass(frozen=True)
class Credential:
    """A token that holds."""

    role: Role
    subject: str
    scopes: frozenset[str]
    address: str | None
    number: str
    expires_ms: int | None


class Credentials:
    """Verified tokens."""

    def __init__(self, file: AccessFile, now_ms: Callable[[], int]) -> None:
        self._file = file
        self._keys = KeyStore(file)
        self._sessions = SessionStore(file)
        self._now_ms = now_ms
        self._remembered: OrderedDict[bytes, Credential] = OrderedDict()
        self._revision = -1
        self._looked_s = float("-inf")
        self.used: dict[str, int] = {}
        """When keys were used since somebody last emptied this [ms], by number."""

    def verify(self, token: str) -> Credential | None:
        """Tell whose token it is; None if nobody's, or if it is over."""
        found = TOKEN.fullmatch(token)
        if found is None:
            return None
        self._forget_if_revoked()
        digest = token_digest(token)
        credential = self._remembered.get(digest)
        if credential is None:
            credential = self._key(found[2], digest) if found[1] == KEY else self._session(found[2], digest)
            if credential is None:
                return None
            self._remembered[digest] = credential
            if len(self._remembered) > MOST_REMEMBERED:
                self._remembered.popitem(last=False)
        now_ms = self._now_ms()
        if credential.expires_ms is not None and credential.expires_ms <= now_ms:
            return None
        if found[1] == KEY:
            self.used[credential.number] = now_ms
        return credential

    def forget(self) -> None:
        """Look everything up anew, from the next request on: something was revoked."""
        self._looked_s = float("-inf")

    def _forget_if_revoked(self) -> None:
        now_s = time.monotonic()
        if now_s - self._looked_s < LOOK_MS / 1000:
            return
        ((revision,),) = self._file.rows("SELECT number FROM revision")
        if revision != self._revision:
            self._remembered.clear()
            self._revision = revision
        self._looked_s = now_s

    def _key(self, number: str, digest: bytes) -> Credential | None:
        key, kept = self._keys.find(number), self._keys.digest_of(number)
        if key is None or kept is None or key.revoked_ms is not None or not hmac.compare_digest(kept, digest):
            return None
        return Credential(key.role, f"key:{number}", key.scopes, key.address, number, key.expires_ms)

    def _session(self, number: str, digest: bytes) -> Credential | None:
        session = self._sessions.find(digest)
        if session is None or session.session_id != number:
            return None
        return Credential(
            Role.OWNER, session.address, frozenset({ANY_SCOPE}), session.address, number, session.expires_ms
        )
