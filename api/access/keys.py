"""API keys: made, listed, revoked. A key is shown once, when it is made; what is kept cannot be turned back into it.

Whoever makes a key with a key hands on no more than they have: no scope beyond its own, no longer life, and revoking a key
revokes those that were made with it.
"""

from dataclasses import dataclass
from typing import Any

from api.access.database import AccessFile
from api.access.permissions import OWN, PERMISSIONS, SCOPES, Reach
from api.access.principal import ANY_SCOPE, Principal, Role
from api.access.tokens import KEY, new_token, token_digest
from oracle.errors import ConfigError

DAY_MS = 86_400_000
DEFAULT_DAYS = 90
"""How long a key lives where nothing is said."""
MOST_DAYS = 1100
"""Three years: whoever forgets a key does not leave it for ever."""
MOST_KEYS = 100
"""Good keys of one owner at a time."""
MOST_LABEL = 100
"""Characters of a label."""
KEY_ROLES = (Role.OPERATOR, Role.AUDITOR, Role.OWNER)

_SELECT = "SELECT id, role, scopes, address, label, parent, made_ms, expires_ms, last_used_ms, revoked_ms FROM api_key "


@dataclass(frozen=True)
class ApiKey:
    """What is known of a key."""

    key_id: str
    role: Role
    scopes: frozenset[str]
    address: str | None
    """Whose key it is, of an owner's."""
    label: str
    parent: str | None
    """The key that it was made with."""
    made_ms: int
    expires_ms: int | None
    last_used_ms: int | None
    """To a minute or so."""
    revoked_ms: int | None


def scopes_of(role: Role) -> frozenset[str]:
    """Scopes that mean anything for a role."""
    return frozenset(
        each.scope for each in PERMISSIONS.values() if each.scope in SCOPES and each.reach(role) is not Reach.NO
    )


class TooManyKeysError(Exception):
    """An owner has as many good keys as one may have."""


class KeyStore:
    """The keys of one access file."""

    def __init__(self, file: AccessFile) -> None:
        self._file = file

    def make(  # noqa: PLR0913  what a key is made of
        self,
        *,
        role: Role,
        scopes: frozenset[str],
        label: str,
        now_ms: int,
        expires_ms: int | None = None,
        address: str | None = None,
        parent: str | None = None,
    ) -> tuple[ApiKey, str]:
        """Make a key; return what is known of it, and the key itself, which is nowhere else.

        Raises:
            ConfigError: scopes do not fit the role, the label is too long, or the key would live too long or not at all.
            TooManyKeysError: the owner has enough.

        """
        wrong = sorted(scopes - scopes_of(role))
        if wrong or not scopes:
            raise ConfigError(f"a key of role {role} can have the scopes {', '.join(sorted(scopes_of(role)))}")
        if len(label) > MOST_LABEL or not label.isprintable():
            raise ConfigError(f"a label is one line of at most {MOST_LABEL} characters")
        ends_ms = now_ms + DEFAULT_DAYS * DAY_MS if expires_ms is None else expires_ms
        if not now_ms < ends_ms <= now_ms + MOST_DAYS * DAY_MS:
            raise ConfigError(f"a key ends in the future, and within {MOST_DAYS} days")
        if (role is Role.OWNER) != (address is not None):
            raise ConfigError("an owner's key, and no other, names an address")
        number, token = new_token(KEY)
        made = ApiKey(number, role, scopes, address, label, parent, now_ms, ends_ms, None, None)
        with self._file.writing() as connection:
            good = "SELECT count(*) FROM api_key WHERE address = ? AND revoked_ms IS NULL AND expires_ms > ?"
            if connection.execute(good, (address, now_ms)).fetchone()[0] >= MOST_KEYS:
                raise TooManyKeysError
            connection.execute(
                "INSERT INTO api_key VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, NULL, NULL)",
                (number, token_digest(token), role, " ".join(sorted(scopes)), address, label, parent, now_ms, ends_ms),
            )
        return made, token

    def all(self, address: str | None = None, after: str = "", limit: int = 1000) -> list[ApiKey]:
        """List keys by number, an owner's alone or all."""
        rows = self._file.rows(
            _SELECT + "WHERE id > ?1 AND (?2 IS NULL OR address = ?2) ORDER BY id LIMIT ?3",
            after,
            address,
            limit,
        )
        return [_key(row) for row in rows]

    def find(self, key_id: str) -> ApiKey | None:
        """Look a key up by its number."""
        rows = self._file.rows(_SELECT + "WHERE id = ?", key_id)
        return _key(rows[0]) if rows else None

    def digest_of(self, key_id: str) -> bytes | None:
        """Look up what is kept of a key's token."""
        rows = self._file.rows("SELECT digest FROM api_key WHERE id = ?", key_id)
        return bytes(rows[0][0]) if rows else None

    def revoke(self, key_id: str, now_ms: int) -> int:
        """Revoke a key and all that were made with it; return how many were still good. Revoking twice changes nothing."""
        with self._file.writing() as connection:
            connection.execute(
                "WITH RECURSIVE line (id) AS (SELECT ?1 UNION SELECT api_key.id FROM api_key JOIN line ON parent = line.id)"
                " UPDATE api_key SET revoked_ms = ?2 WHERE id IN line AND revoked_ms IS NULL",
                (key_id, now_ms),
            )
            ((revoked,),) = connection.execute("SELECT changes()").fetchall()  # rowcount misses an UPDATE after WITH
            return int(revoked)

    def note_used(self, used: dict[str, int]) -> None:
        """Write down when keys were last used [ms], by number."""
        with self._file.writing() as connection:
            connection.executemany(
                "UPDATE api_key SET last_used_ms = max(coalesce(last_used_ms, 0), ?) WHERE id = ?",
                [(at_ms, key_id) for key_id, at_ms in used.items()],
            )


def grantable(maker: Principal) -> dict[Role, frozenset[str]]:
    """What somebody may put into a key: roles, each with the scopes that they have themselves."""
    own = scopes_of(maker.role) if ANY_SCOPE in maker.scopes else maker.scopes
    if PERMISSIONS["keys_create"].reach(maker.role) is OWN:
        return {maker.role: own & scopes_of(maker.role)}
    return {role: own & scopes_of(role) for role in (Role.OPERATOR, Role.AUDITOR)}


def _key(row: tuple[Any, ...]) -> ApiKey:
    key_id, role, scopes, *others = row
    return ApiKey(key_id, Role(role), frozenset(scopes.split()), *others)
