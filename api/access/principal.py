"""Who asks: the result of looking at a request's credentials."""

from dataclasses import dataclass
from enum import StrEnum

NOBODY = frozenset[str]()
ANY_SCOPE = "*"
"""What a session holds: everything that its role may do. No key can be given it."""


class Role(StrEnum):
    """What somebody is to the system."""

    PUBLIC = "public"
    """Anybody without credentials."""
    OWNER = "owner"
    """Who signed in with a wallet: sees what the chain says is theirs, which may be nothing."""
    OPERATOR = "operator"
    """Who runs the fleet: by API key, as far as its scopes go."""
    AUDITOR = "auditor"
    """Who reads everything but owners' details, and changes nothing."""


@dataclass(frozen=True)
class Principal:
    """Who asks, and what is theirs."""

    role: Role
    subject: str
    """Unlike for unlike credentials: `public`, the address of a session, `key:<id>` of an API key. Never a secret."""
    scopes: frozenset[str]
    """What the credential may be used for; `*` for a session."""
    address: str | None = None
    """Checksummed address of an owner."""
    assets: frozenset[str] | None = NOBODY
    """Assets that are theirs by the chain; None stands for all of them."""
    credential: str = ""
    """Number of the session or key in the store, for closing and revoking it."""
    expires_ms: int | None = None
    """When the credential ends [ms UTC]."""

    def may_see(self, asset_id: str) -> bool:
        """Tell whether an asset is theirs to look at."""
        return self.assets is None or asset_id in self.assets

    def holds(self, scope: str | None) -> bool:
        """Tell whether the credential may be used for something."""
        return scope is None or scope in self.scopes or ANY_SCOPE in self.scopes

    @property
    def is_signed_in(self) -> bool:
        """Whether there are credentials at all."""
        return self.role is not Role.PUBLIC

    @property
    def by_session(self) -> bool:
        """Whether a wallet signed in, rather than a key."""
        return ANY_SCOPE in self.scopes


PUBLIC = Principal(Role.PUBLIC, "public", NOBODY)
