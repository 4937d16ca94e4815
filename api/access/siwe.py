"""Sign-In with Ethereum: the text that a wallet signs, as EIP-4361 defines it.

    heliograph.example wants you to sign in with your Ethereum account:
    0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed

    Show me my plants.

    URI: https://heliograph.example
    Version: 1
    Chain ID: 31337
    Nonce: 6f1c0a5de2b74f0b
    Issued At: 2026-06-10T12:00:00Z
    Expiration Time: 2026-06-10T12:10:00Z

Lines are in this order, ended by LF alone; the statement may be missing (the empty lines around it stay), and after Issued At come
Expiration Time, Not Before, Request ID and Resources, each at most once. Whatever else is in the text makes it none: a wallet
shows people such a text in a form of its own, so one that we would read in another way than the wallet must be refused.
"""

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from eth_utils.address import is_checksum_address

MAX_LENGTH = 4096
"""Longer texts are not looked at [characters]."""

_ASKS = " wants you to sign in with your Ethereum account:"
_UNRESERVED = r"A-Za-z0-9\-._~"
_SUB_DELIMS = r"!$&'()*+,;="
_AUTHORITY = rf"[{_UNRESERVED}{_SUB_DELIMS}:@%\[\]]+"
_OPENING = re.compile(rf"(?:([A-Za-z][A-Za-z0-9+.\-]*)://)?({_AUTHORITY}){re.escape(_ASKS)}")
_ADDRESS = re.compile(r"0x[0-9A-Fa-f]{40}")
_STATEMENT = re.compile(rf"[{_UNRESERVED}{_SUB_DELIMS}:/?#\[\]@ ]+")
_URI = re.compile(rf"[A-Za-z][A-Za-z0-9+.\-]*:(?:[{_UNRESERVED}{_SUB_DELIMS}:/?#\[\]@]|%[0-9A-Fa-f]{{2}})+")
_CHAIN_ID = re.compile(r"[0-9]{1,20}")
_NONCE = re.compile(r"[A-Za-z0-9]{8,200}")
_REQUEST_ID = re.compile(rf"(?:[{_UNRESERVED}{_SUB_DELIMS}:@]|%[0-9A-Fa-f]{{2}})*")
_INSTANT = re.compile(r"(\d{4}-\d{2}-\d{2})[Tt](\d{2}:\d{2}:\d{2})(?:\.(\d{1,9}))?([Zz]|[+-]\d{2}:\d{2})", re.ASCII)


class SignInTextError(ValueError):
    """The text is no message of EIP-4361. What it says has nothing of the text in it but the name of a line."""


@dataclass(frozen=True)
class SignInMessage:
    """What a message says. Instants are in ms UTC, later parts of a millisecond cut off."""

    scheme: str | None
    domain: str
    """Whom the account signs in to: host, and port where it is not the scheme's own."""
    address: str
    """Checksummed (EIP-55)."""
    statement: str | None
    uri: str
    chain_id: int
    nonce: str
    issued_ms: int
    expires_ms: int | None
    not_before_ms: int | None
    request_id: str | None
    resources: tuple[str, ...]


def read_sign_in(text: str) -> SignInMessage:
    """Read a message.

    Raises:
        SignInTextError: it is none, down to the last character.

    """
    if len(text) > MAX_LENGTH:
        raise SignInTextError(f"the message is longer than {MAX_LENGTH} characters")
    lines = _Lines(text)
    opening = lines.take("the first line", _OPENING)
    address = lines.take("the address", _ADDRESS)[0]
    if not is_checksum_address(address):
        raise SignInTextError("the address is not checksummed as EIP-55 says")
    lines.take_empty()
    statement = None
    if lines.next():  # without a statement the second empty line follows at once
        statement = lines.take("the statement", _STATEMENT)[0]
    lines.take_empty()
    uri = lines.take_named("URI", _URI)
    if lines.take_named("Version", re.compile(r".*")) != "1":
        raise SignInTextError("Version is not 1")
    chain_id = int(lines.take_named("Chain ID", _CHAIN_ID))
    nonce = lines.take_named("Nonce", _NONCE)
    issued_ms = _instant_ms("Issued At", lines.take_named("Issued At", _INSTANT))
    expires = lines.take_optional("Expiration Time", _INSTANT)
    not_before = lines.take_optional("Not Before", _INSTANT)
    request_id = lines.take_optional("Request ID", _REQUEST_ID)
    resources = lines.take_resources()
    lines.take_end()
    return SignInMessage(
        scheme=opening[1],
        domain=opening[2],
        address=address,
        statement=statement,
        uri=uri,
        chain_id=chain_id,
        nonce=nonce,
        issued_ms=issued_ms,
        expires_ms=None if expires is None else _instant_ms("Expiration Time", expires),
        not_before_ms=None if not_before is None else _instant_ms("Not Before", not_before),
        request_id=request_id,
        resources=resources,
    )


class _Lines:
    """The lines of a text, taken one after the other."""

    def __init__(self, text: str) -> None:
        self._lines = text.split("\n")
        self._at = 0

    def next(self) -> str | None:
        return self._lines[self._at] if self._at < len(self._lines) else None

    def take(self, what: str, pattern: re.Pattern[str]) -> re.Match[str]:
        line = self.next()
        found = None if line is None else pattern.fullmatch(line)
        if found is None:
            raise SignInTextError(f"{what} is not as EIP-4361 has it")
        self._at += 1
        return found

    def take_empty(self) -> None:
        if self.next() != "":
            raise SignInTextError("an empty line is missing around the statement")
        self._at += 1

    def take_named(self, name: str, pattern: re.Pattern[str]) -> str:
        line = self.next()
        if line is None or not line.startswith(f"{name}: "):
            raise SignInTextError(f"the line {name} is missing, or not in its place")
        found = pattern.fullmatch(line.removeprefix(f"{name}: "))
        if found is None:
            raise SignInTextError(f"{name} is not as EIP-4361 has it")
        self._at += 1
        return found[0]

    def take_optional(self, name: str, pattern: re.Pattern[str]) -> str | None:
        line = self.next()
        return self.take_named(name, pattern) if line is not None and line.startswith(f"{name}: ") else None

    def take_resources(self) -> tuple[str, ...]:
        if self.next() != "Resources:":
            return ()
        self._at += 1
        taken = []
        while self.next() is not None:
            line = self.take("a resource", re.compile(rf"- (?:{_URI.pattern})"))[0]
            taken.append(line.removeprefix("- "))
        return tuple(taken)

    def take_end(self) -> None:
        if self.next() is not None:
            raise SignInTextError("something stands after the last line, or twice, or out of order")


def _instant_ms(name: str, text: str) -> int:
    found = _INSTANT.fullmatch(text)
    if found is None:
        raise SignInTextError(f"{name} is no instant of RFC 3339")
    day, clock, fraction, offset = found.groups()
    try:
        whole = datetime.fromisoformat(f"{day}T{clock}{offset.upper()}")
        since = whole - datetime.fromtimestamp(0, UTC)
    except (ValueError, OverflowError) as error:
        raise SignInTextError(f"{name} is no instant of RFC 3339") from error
    return since // timedelta(seconds=1) * 1000 + int((fraction or "0").ljust(3, "0")[:3])
