"""Whether a signed message opens a session: the rules that EIP-4361 leaves to the server.

In this order, and nothing is written before the last:
- the text is a message of EIP-4361 (`siwe`)
- domain, scheme (where it is there) and URI are this server's, and the chain is the one it shows
- the nonce is one that this server gave out, not long ago
- it was issued after the nonce and not in the future, is valid already and still is
- the signature is the account's: by its key, or by its contract (EIP-1271)
- the nonce has not opened a session before
"""

import hashlib
import hmac
import secrets
from dataclasses import dataclass
from typing import Protocol
from urllib.parse import urlsplit

from eth_account import Account
from eth_account.messages import defunct_hash_message, encode_defunct
from eth_utils.address import to_checksum_address

from api.access.database import AccessFile
from api.access.refusals import sign_in_refused
from api.access.sessions import NonceUsedError, Session, SessionStore
from api.access.siwe import SignInMessage, SignInTextError, read_sign_in
from api.instants import write_instant

NONCE_MS = 600_000
"""How long a nonce may be used [ms]."""
SKEW_MS = 60_000
"""How far a wallet's clock may be off [ms]."""
SESSION_MS = 12 * 3_600_000
"""How long a session lasts [ms]."""
STATEMENT = "Sign in to Heliograph. This costs nothing and moves nothing."
_MAC_HEX = 32


class ContractWallets(Protocol):
    """Whoever can ask an account's contract whether a signature is its own (EIP-1271)."""

    def accepts(self, address: str, digest: bytes, signature: bytes) -> bool:
        """Ask. Raises ChainError if the chain does not answer."""
        ...


@dataclass(frozen=True)
class Offer:
    """What a wallet is asked to sign."""

    nonce: str
    domain: str
    uri: str
    chain_id: int
    issued_ms: int
    expires_ms: int

    def message(self, address: str) -> str:
        """Write the text for an account."""
        return (
            f"{self.domain} wants you to sign in with your Ethereum account:\n{to_checksum_address(address)}\n\n"
            f"{STATEMENT}\n\nURI: {self.uri}\nVersion: 1\nChain ID: {self.chain_id}\nNonce: {self.nonce}\n"
            f"Issued At: {write_instant(self.issued_ms)}\nExpiration Time: {write_instant(self.expires_ms)}"
        )


class SignIn:
    """Sign-ins of one server. Nonces carry a seal of the server's, so that strangers make it write nothing down."""

    def __init__(self, file: AccessFile, public_url: str, chain_id: int, wallets: ContractWallets | None) -> None:
        place = urlsplit(public_url)
        self._scheme, self._domain = place.scheme, place.netloc
        self._uri = f"{place.scheme}://{place.netloc}"
        self._chain_id = chain_id
        self._wallets = wallets
        self._sessions = SessionStore(file)
        with file.writing() as connection:
            connection.execute(
                "INSERT INTO nonce_secret SELECT ? WHERE NOT EXISTS (SELECT * FROM nonce_secret)",
                (secrets.token_bytes(32),),
            )
            ((self._secret,),) = connection.execute("SELECT secret FROM nonce_secret").fetchall()

    def offer(self, now_ms: int) -> Offer:
        """Give out a nonce, and what belongs into the message beside it."""
        stamp = f"{now_ms:012x}{secrets.token_hex(12)}"
        return Offer(
            stamp + self._seal(stamp), self._domain, self._uri, self._chain_id, now_ms // 1000 * 1000, now_ms + NONCE_MS
        )

    def open(self, text: str, signature: bytes, now_ms: int) -> tuple[Session, str]:
        """Open a session; return it and its token.

        Raises:
            ProblemError: the message or its signature is refused; says by which rule.
            ChainError: only the account's contract could tell, and the chain does not answer.

        """
        try:
            message = read_sign_in(text)
        except SignInTextError as error:
            raise sign_in_refused(str(error)) from error
        self._hold_against_server(message)
        given_ms = self._nonce_given_ms(message.nonce)
        if given_ms is None or not given_ms - SKEW_MS <= now_ms < given_ms + NONCE_MS:
            raise sign_in_refused("the nonce is not of this server, or too old")
        _hold_against_clock(message, given_ms, now_ms)
        if not self._is_signed(message.address, text, signature):
            raise sign_in_refused("the signature is not the account's")
        ends_ms = now_ms + SESSION_MS
        try:
            return self._sessions.open(message.address, message.nonce, given_ms + 2 * NONCE_MS, now_ms, ends_ms)
        except NonceUsedError as error:
            raise sign_in_refused("the nonce has been used") from error

    def _hold_against_server(self, message: SignInMessage) -> None:
        if message.domain != self._domain or message.scheme not in (None, self._scheme):
            raise sign_in_refused(f"the message is for another domain than {self._domain}")
        if message.uri != self._uri and not message.uri.startswith(self._uri + "/"):
            raise sign_in_refused(f"the message is for another URI than {self._uri}")
        if message.chain_id != self._chain_id:
            raise sign_in_refused(f"the message is for another chain than {self._chain_id}")

    def _seal(self, stamp: str) -> str:
        return hmac.new(self._secret, f"nonce {stamp}".encode(), hashlib.sha256).hexdigest()[:_MAC_HEX]

    def _nonce_given_ms(self, nonce: str) -> int | None:
        stamp, seal = nonce[:-_MAC_HEX], nonce[-_MAC_HEX:]
        if not hmac.compare_digest(self._seal(stamp).encode(), seal.encode()):
            return None
        return int(stamp[:12], 16)

    def _is_signed(self, address: str, text: str, signature: bytes) -> bool:
        if len(signature) == 65 and _recovered(text, signature) == address:
            return True
        return self._wallets is not None and self._wallets.accepts(
            address, bytes(defunct_hash_message(text=text)), signature
        )


def _hold_against_clock(message: SignInMessage, given_ms: int, now_ms: int) -> None:
    if message.issued_ms > now_ms + SKEW_MS:
        raise sign_in_refused("the message is issued in the future")
    if message.issued_ms < given_ms - SKEW_MS:
        raise sign_in_refused("the message is older than its nonce")
    if message.expires_ms is not None and message.expires_ms <= now_ms:
        raise sign_in_refused("the message has expired")
    if message.not_before_ms is not None and message.not_before_ms > now_ms:
        raise sign_in_refused("the message is not valid yet")


def _recovered(text: str, signature: bytes) -> str | None:
    try:
        return str(Account.recover_message(encode_defunct(text=text), signature=signature))
    except Exception:  # noqa: BLE001  whatever its libraries make of a stranger's bytes: it is no signature
        return None
