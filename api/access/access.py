"""Who asks, and whether they may: all parts of access over one file."""

import logging
import re
import sqlite3
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from ipaddress import IPv6Network
from pathlib import Path
from typing import Self

from starlette.requests import HTTPConnection

from api.access.audit import AuditLog
from api.access.credentials import LOOK_MS, MOST_REMEMBERED, Credentials
from api.access.database import AccessFile
from api.access.idempotency import Idempotency
from api.access.keys import KeyStore
from api.access.limits import Buckets, Limits
from api.access.owners import OwnerDetails
from api.access.principal import NOBODY, PUBLIC, Principal, Role
from api.access.refusals import credentials_invalid, header_missing
from api.access.releases import Releases, Said
from api.access.sessions import Session, SessionStore
from api.access.sign_in import ContractWallets, Offer, SignIn
from api.clocks import system_ms

log = logging.getLogger(__name__)

COOKIE = "heliograph_session"
CONFIRMATION = "x-heliograph"
"""Header without which a cookie does not write."""
SWEEP_S = 30
"""How often what is over is dropped, and when keys were used is written down [s]."""
_SAFE = frozenset({"GET", "HEAD", "OPTIONS"})
_SESSION_COOKIE = re.compile(rf"(?:^|;)[ \t]*{COOKIE}=(hgs_[0-9a-f_]+)[ \t]*(?=;|$)".encode())
_KNOWN = "heliograph.principal"


@dataclass(frozen=True)
class AccessSettings:
    """What the server says about itself."""

    public_url: str
    """Where people reach it; its host and port are the domain that owners sign in to."""
    chain_id: int
    """The chain that it shows."""
    limits: Limits = field(default_factory=Limits)


class Access:
    """Access of one server."""

    def __init__(
        self,
        file: AccessFile,
        settings: AccessSettings,
        assets_of: Callable[[str], frozenset[str]],
        wallets: ContractWallets | None = None,
        now_ms: Callable[[], int] = system_ms,
    ) -> None:
        """Put the parts together; `open` does it with a path.

        Args:
            file: where everything is kept.
            settings: what the server says about itself.
            assets_of: the assets of an address, by the chain.
            wallets: who asks contracts about their signatures; None: only accounts with keys sign in.
            now_ms: the clock [ms UTC].

        """
        self.settings = settings
        self.now_ms = now_ms
        self.audit = AuditLog(file)
        self.keys = KeyStore(file)
        self.sessions = SessionStore(file)
        self.owners = OwnerDetails(file)
        self.releases = Releases(file)
        self.idempotency = Idempotency(file, now_ms)
        self._file = file
        self._sign_in = SignIn(file, settings.public_url, settings.chain_id, wallets)
        self._credentials = Credentials(file, now_ms)
        self._assets_of = assets_of
        self._roofs: dict[str, tuple[float, frozenset[str]]] = {}
        self._public = Buckets(settings.limits.public)
        self._signed_in = Buckets(settings.limits.signed_in)
        self._sign_ins = Buckets(settings.limits.sign_in)
        self._refused = Buckets(settings.limits.refused)
        self._stop = threading.Event()
        self._sweeper = threading.Thread(target=self._sweep_often, name="access", daemon=True)

    @classmethod
    def open(
        cls,
        path: Path,
        settings: AccessSettings,
        assets_of: Callable[[str], frozenset[str]],
        wallets: ContractWallets | None = None,
        now_ms: Callable[[], int] = system_ms,
    ) -> Self:
        """Open the file, or make it; see `__init__`. Close it again.

        Raises:
            ConfigError: the file cannot be used.

        """
        access = cls(AccessFile(path), settings, assets_of, wallets, now_ms)
        access._sweeper.start()
        return access

    def close(self) -> None:
        """Write down what is only in memory, and close the file."""
        self._stop.set()
        if self._sweeper.is_alive():
            self._sweeper.join()
        self.sweep()
        self._file.close()

    def admit(self, connection: HTTPConnection) -> Principal:
        """Tell who sends a request, and count it.

        Raises:
            ProblemError: credentials do not hold, a cookie writes without the header, or there are too many requests.

        """
        principal = self.authenticate(connection)
        if principal.is_signed_in:
            self._signed_in.take(principal.subject)
        else:
            self._public.take(_address(connection))
        return principal

    def authenticate(self, connection: HTTPConnection) -> Principal:
        """Tell who sends a request. Asked again of the same request, it does not look again.

        A token in `Authorization` must hold. A cookie that does not is none: browsers send it long after the session ended.

        Raises:
            ProblemError: a token does not hold, or a cookie writes without the header.

        """
        scope = connection.scope
        known = scope.get(_KNOWN)
        if isinstance(known, Principal):
            return known
        told: list[bytes] = []
        cookies: list[bytes] = []
        for name, content in scope["headers"]:  # bytes as they came: this is on the way of every read
            if name == b"authorization":
                told.append(content)
            elif name == b"cookie":
                cookies.append(content)
        principal = PUBLIC
        if told:
            principal = self._of_header(connection, told)
        elif cookies:
            principal = self._of_cookie(connection, cookies)
        scope[_KNOWN] = principal
        scope.setdefault("state", {})["principal"] = principal
        return principal

    def offer(self, connection: HTTPConnection) -> Offer:
        """Give out a nonce to sign in with."""
        self._sign_ins.take(_address(connection))
        return self._sign_in.offer(self.now_ms())

    def sign_in(self, connection: HTTPConnection, text: str, signature: bytes) -> tuple[Principal, Session, str]:
        """Open a session; return whose it is, the session, and its token.

        Raises:
            ProblemError: the message or its signature is refused, or there are too many attempts.
            ChainError: only the account's contract could tell, and the chain does not answer.

        """
        self._sign_ins.take(_address(connection))
        session, token = self._sign_in.open(text, signature, self.now_ms())
        credential = self._credentials.verify(token)
        if credential is None:  # the clock was set between the two
            raise credentials_invalid()
        principal = self._owner(
            session.address, session.address, credential.scopes, session.session_id, session.expires_ms
        )
        connection.scope.setdefault("state", {})["principal"] = principal
        return principal, session, token

    def close_session(self, session_id: str) -> None:
        """Close a session, at once."""
        self.sessions.close(session_id)
        self._credentials.forget()

    def revoke_key(self, key_id: str) -> None:
        """Revoke a key and all that were made with it, at once."""
        self.keys.revoke(key_id, self.now_ms())
        self._credentials.forget()

    def erase_owner(self, principal: Principal, address: str) -> None:
        """Erase all that is kept of an owner; the row in the audit log that says so names nobody."""
        self.audit.append_erasure(principal, address, 204, self.now_ms())
        self.owners.erase(address)
        self._credentials.forget()

    def is_released(self, asset_id: str) -> bool:
        """Tell whether the present owner of an asset shows its evidence to everyone."""
        said = self.said_of_evidence(asset_id)
        return said is not None and said.released

    def said_of_evidence(self, asset_id: str) -> Said | None:
        """What the present owner of an asset said last of its evidence; None if nothing."""
        said = self.releases.said(asset_id)
        return said if said is not None and asset_id in self._assets_of(said.address) else None

    def record(self, principal: Principal, operation: str, target: str, status: int) -> None:
        """Write into the audit log what somebody did."""
        self.audit.append(principal, operation, target, status, self.now_ms())

    def sweep(self) -> None:
        """Write down when keys were used, and drop what is over."""
        used, self._credentials.used = self._credentials.used, {}
        try:
            if used:
                self.keys.note_used(used)
            self.sessions.sweep(self.now_ms())
            if self._file.is_traced:
                self._file.forget_traces()
        except sqlite3.Error as error:
            log.warning("access file: %s; what it should have kept is tried again", error)
            self._credentials.used = used | self._credentials.used

    def _sweep_often(self) -> None:
        while not self._stop.wait(SWEEP_S):
            self.sweep()

    def _of_header(self, connection: HTTPConnection, told: list[bytes]) -> Principal:
        scheme, _, token = told[0].partition(b" ")
        if len(told) == 1 and scheme.lower() == b"bearer":
            principal = self._of_token(token.strip().decode("latin-1"))
            if principal is not None:
                return principal
        self._refused.take(_address(connection))
        raise credentials_invalid()

    def _of_cookie(self, connection: HTTPConnection, cookies: list[bytes]) -> Principal:
        found = _SESSION_COOKIE.findall(b"; ".join(cookies))
        principal = self._of_token(found[0].decode()) if len(found) == 1 else None
        if principal is None:
            return PUBLIC
        if connection.scope["method"] not in _SAFE and connection.headers.get(CONFIRMATION) != "1":
            raise header_missing()
        return principal

    def _of_token(self, token: str) -> Principal | None:
        found = self._credentials.verify(token)
        if found is None:
            return None
        if found.role is Role.OWNER and found.address is not None:
            return self._owner(found.address, found.subject, found.scopes, found.number, found.expires_ms)
        assets = None if found.role in {Role.OPERATOR, Role.AUDITOR} else NOBODY
        return Principal(found.role, found.subject, found.scopes, None, assets, found.number, found.expires_ms)

    def _owner(
        self, address: str, subject: str, scopes: frozenset[str], number: str, expires_ms: int | None
    ) -> Principal:
        return Principal(Role.OWNER, subject, scopes, address, self._roofs_of(address), number, expires_ms)

    def _roofs_of(self, address: str) -> frozenset[str]:
        """Assets of an address, as they were a quarter of a second ago at most."""
        now_s = time.monotonic()
        known = self._roofs.get(address)
        if known is not None and now_s - known[0] < LOOK_MS / 1000:
            return known[1]
        if len(self._roofs) > MOST_REMEMBERED:
            self._roofs.clear()
        assets = self._assets_of(address)
        self._roofs[address] = now_s, assets
        return assets


def _address(connection: HTTPConnection) -> str:
    """Network address that a request counts for; of IPv6 the network of 64 bits, which one household or machine has."""
    client = connection.scope.get("client")
    host = str(client[0]) if client else "unknown"
    if ":" not in host:
        return host
    try:
        return str(IPv6Network((host.partition("%")[0], 64), strict=False))
    except ValueError:
        return host
