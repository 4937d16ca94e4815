"""Where a broker is, how to enter, and whom to trust there."""

import ssl
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import parse_qsl, unquote, urlencode, urlsplit

DEFAULT_PORT = 1883
DEFAULT_TLS_PORT = 8883
_FORM = "mqtt://[user:password@]host[:port] or mqtts://[user:password@]host[:port][?ca=FILE&cert=FILE&key=FILE]"


class BrokerUrlError(ValueError):
    """Not a URL of the form mqtt://… or mqtts://…, or its TLS files cannot be used."""


@dataclass(frozen=True)
class Tls:
    """Files for a connection over TLS, in PEM. The files are read again at each connect, so they can be replaced."""

    ca: Path | None = None
    """Certificates of the authorities that may vouch for the broker; None means those that the system trusts."""
    certificate: Path | None = None
    """Our certificate, for a broker that asks for one."""
    key: Path | None = None
    """Its private key, not encrypted."""

    def __post_init__(self) -> None:
        if (self.certificate is None) != (self.key is None):
            raise BrokerUrlError("a client certificate and its key go together: one of the two is missing")

    def context(self) -> ssl.SSLContext:
        """Read the files: TLS 1.2 or newer, the broker's name is checked.

        Raises:
            BrokerUrlError: a file cannot be read or used; the message names it.

        """
        try:
            context = ssl.create_default_context(cafile=self.ca)
        except OSError as error:
            raise BrokerUrlError(f"{self.ca}: no certificate of an authority can be read: {_why(error)}") from error
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        self.load_certificate(context)
        return context

    def load_certificate(self, context: ssl.SSLContext) -> None:
        """Put the client certificate as it is now on disk into a context.

        Raises:
            BrokerUrlError: it cannot be read, or the key is not its own.

        """
        if self.certificate is None or self.key is None:
            return
        try:
            context.load_cert_chain(self.certificate, self.key, password=_no_password)
        except (OSError, ValueError) as error:
            fault = f"{self.certificate} with {self.key}: cannot be used as client certificate"
            raise BrokerUrlError(f"{fault}: {_why(error)}") from error

    def add_to(self, url: str) -> str:
        """Return the URL with these files in its query, as `BrokerAddress.parse` reads them."""
        files = {"ca": self.ca, "cert": self.certificate, "key": self.key}
        query = urlencode({name: str(path) for name, path in files.items() if path is not None})
        return f"{url}?{query}" if query else url


def _no_password() -> str:
    """OpenSSL would ask on the terminal for the password of an encrypted key; an empty one makes it fail instead."""
    return ""


def _why(error: Exception) -> str:
    return (error.strerror if isinstance(error, OSError) else None) or str(error)


@dataclass(frozen=True)
class BrokerAddress:
    """Where a broker is and how to enter."""

    host: str
    port: int
    username: str | None = None
    password: str | None = field(default=None, repr=False)
    tls: Tls | None = None
    """None means a connection in the clear."""

    @classmethod
    def parse(cls, url: str, tls: Tls | None = None) -> "BrokerAddress":
        """Parse `mqtt://[user:password@]host[:port]`, or the same with mqtts and its TLS files.

        User and password may be percent-encoded. The files come from the query (`ca`, `cert`, `key`) or from `tls`.

        Raises:
            BrokerUrlError: not of that form. The message does not repeat the password.

        """
        try:
            parts = urlsplit(url)
            port = parts.port
            query = dict(parse_qsl(parts.query, strict_parsing=True)) if parts.query else {}
        except ValueError as error:
            raise BrokerUrlError(f"not a broker URL: {error}") from error
        secure = parts.scheme == "mqtts"
        extra = parts.path.strip("/") or parts.fragment or query.keys() - {"ca", "cert", "key"}
        if parts.scheme not in ("mqtt", "mqtts") or not parts.hostname or extra or port == 0:
            raise BrokerUrlError(f"a broker URL has the form {_FORM}")
        if not secure and (query or tls):
            raise BrokerUrlError("certificates go with mqtts://, not with mqtt://")
        if query and tls:
            raise BrokerUrlError("TLS files are named in the URL or beside it, not in both places")
        if secure and tls is None:
            tls = Tls(*(Path(query[name]) if name in query else None for name in ("ca", "cert", "key")))
        username = unquote(parts.username) if parts.username else None
        password = unquote(parts.password) if parts.password else None
        return cls(parts.hostname, port or (DEFAULT_TLS_PORT if secure else DEFAULT_PORT), username, password, tls)

    def __str__(self) -> str:
        return f"{self.host}:{self.port}"
