"""One try to deliver a webhook: one POST to one address that was looked at, no redirect, no proxy, and an end in time."""

import http.client
import socket
import ssl
import threading
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from http import HTTPStatus

from api.notices.targets import Target, TargetError

STEP_S = 10.0
"""Longest wait for one step: connecting, sending, an answer [s]."""
WHOLE_S = 20.0
"""Longest time for all of it, however slowly the other side answers [s]."""
AGENT = "Heliograph-Webhooks/1"
_LONGEST_ERROR = 200


@dataclass(frozen=True)
class Attempt:
    """What one try came to."""

    delivered: bool
    """The receiver answered with 2xx."""
    status: int | None
    """Status that it answered with; None if it did not."""
    error: str | None
    """Why it is not delivered, in a sentence; nothing of the receiver's own words."""

    @property
    def gone(self) -> bool:
        """Whether the receiver says that it wants no more."""
        return self.status == HTTPStatus.GONE


def send(url: str, body: bytes, headers: Mapping[str, str], *, allow_private: bool) -> Attempt:
    """Post a body and tell how it went. Never raises.

    Args:
        url: of the receiver.
        body: JSON.
        headers: beside those that every request has.
        allow_private: whether the receiver may be in a private network, and be reached without TLS.

    """
    try:
        target = Target.parse(url, allow_private=allow_private)
        address = target.resolve(allow_private=allow_private)
    except TargetError as error:
        return Attempt(delivered=False, status=None, error=str(error)[:_LONGEST_ERROR])
    connection = _to_address(target, address)
    watch = threading.Timer(WHOLE_S, _cut, (connection,))
    watch.daemon = True
    watch.start()
    try:
        sent = {
            "Host": target.authority,
            "Content-Type": "application/json",
            "User-Agent": AGENT,
            "Connection": "close",
        }
        connection.request("POST", target.path, body, {**sent, **headers})
        status = connection.getresponse().status
    except (OSError, http.client.HTTPException, ValueError) as error:
        return Attempt(delivered=False, status=None, error=_why(error))
    finally:
        watch.cancel()
        connection.close()
    if HTTPStatus.OK <= status < HTTPStatus.MULTIPLE_CHOICES:
        return Attempt(delivered=True, status=status, error=None)
    if HTTPStatus.MULTIPLE_CHOICES <= status < HTTPStatus.BAD_REQUEST:
        return Attempt(delivered=False, status=status, error=f"answered {status}: redirects are not followed")
    return Attempt(delivered=False, status=status, error=f"answered {status}")


class _Plain(http.client.HTTPConnection):
    """A connection for one host, opened to one of its addresses."""

    def __init__(self, target: Target, address: str) -> None:
        super().__init__(target.host, target.port, timeout=STEP_S)
        self._address = address

    def connect(self) -> None:
        self.sock = socket.create_connection((self._address, self.port), self.timeout)


class _Secure(_Plain):
    """The same over TLS; the certificate is checked for the host's name."""

    def connect(self) -> None:
        super().connect()
        context = ssl.create_default_context()
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        self.sock = context.wrap_socket(self.sock, server_hostname=self.host)


def _to_address(target: Target, address: str) -> _Plain:
    return (_Secure if target.secure else _Plain)(target, address)


def _cut(connection: http.client.HTTPConnection) -> None:
    sock = connection.sock
    if sock is not None:
        with suppress(OSError):
            sock.shutdown(socket.SHUT_RDWR)


def _why(error: Exception) -> str:
    if isinstance(error, TimeoutError):
        return f"did not answer within {STEP_S:.0f} s"
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"its certificate does not hold: {error.verify_message}"[:_LONGEST_ERROR]
    if isinstance(error, OSError) and error.strerror:
        return f"cannot be reached: {error.strerror}"[:_LONGEST_ERROR]
    return f"does not answer as HTTP: {type(error).__name__}"
