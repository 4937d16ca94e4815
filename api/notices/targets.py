"""Where webhooks may go. An owner names the address, this server calls it: so it must not lead into our own network.

Every address that a name stands for is looked at when the call is made, and the call goes to an address that was looked
at, so that a name cannot change its meaning in between. Redirects are never followed.
"""

import ipaddress
import socket
from dataclasses import dataclass
from urllib.parse import urlsplit

MAX_URL_CHARACTERS = 2000
_NAT64 = ipaddress.ip_network("64:ff9b::/96")

_Address = ipaddress.IPv4Address | ipaddress.IPv6Address


class TargetError(ValueError):
    """An address that is not called, and why."""


class UnresolvedError(TargetError):
    """A host that cannot be looked up at the moment."""


@dataclass(frozen=True)
class Target:
    """Where a webhook goes, taken apart."""

    secure: bool
    """Over TLS."""
    host: str
    port: int
    path: str
    """With the query."""
    authority: str
    """What the Host header says."""

    @classmethod
    def parse(cls, url: str, *, allow_private: bool) -> "Target":
        """Take a URL apart.

        Raises:
            TargetError: it is not https://host[:port][/path], or names an address in a private network.

        """
        if len(url) > MAX_URL_CHARACTERS or not url.isascii() or not url.isprintable() or " " in url:
            raise TargetError(f"a webhook's url has at most {MAX_URL_CHARACTERS} characters, all of them visible ASCII")
        try:
            parts = urlsplit(url)
            port = parts.port
        except ValueError as error:
            raise TargetError(f"{url} is no URL: {error}") from error
        if parts.scheme not in (("https", "http") if allow_private else ("https",)) or not parts.hostname:
            raise TargetError(f"{url} is not of the form https://host[:port]/path")
        if parts.username is not None or parts.fragment:
            raise TargetError("a webhook's url holds no user, no password and no fragment")
        if port == 0:
            raise TargetError("port 0 is none")
        secure = parts.scheme == "https"
        query = f"?{parts.query}" if parts.query else ""
        target = cls(secure, parts.hostname, port or (443 if secure else 80), (parts.path or "/") + query, parts.netloc)
        if not allow_private:
            target.refuse_private_literal()
        return target

    def refuse_private_literal(self) -> None:
        """Refuse a host that is itself an address in a private network, or a name that only means this machine.

        Raises:
            TargetError: it is.

        """
        if self.host == "localhost" or self.host.endswith((".localhost", ".local", ".internal")):
            raise TargetError(f"{self.host} is a name of a private network")
        try:
            address = ipaddress.ip_address(self.host)
        except ValueError:
            return
        if not is_public(address):
            raise TargetError(f"{address} is an address in a private network")

    def resolve(self, *, allow_private: bool) -> str:
        """Look the host up and return an address to call.

        Raises:
            UnresolvedError: the name stands for nothing, or cannot be looked up.
            TargetError: it stands for an address in a private network, be it among others.

        """
        try:
            found = socket.getaddrinfo(self.host, self.port, type=socket.SOCK_STREAM)
        except (OSError, UnicodeError) as error:
            raise UnresolvedError(f"{self.host} cannot be looked up: {error}") from error
        addresses = [str(each[4][0]) for each in found]
        for address in addresses:
            if not allow_private and not is_public(ipaddress.ip_address(address.partition("%")[0])):
                raise TargetError(f"{self.host} stands for {address}, which is in a private network")
        if not addresses:
            raise UnresolvedError(f"{self.host} stands for no address")
        return addresses[0]


def is_public(address: _Address) -> bool:
    """Tell whether an address is one of the public internet, looking through addresses that wrap another."""
    if isinstance(address, ipaddress.IPv6Address):
        wrapped = address.ipv4_mapped or address.sixtofour or (address.teredo[1] if address.teredo else None)
        if wrapped is None and address in _NAT64:
            wrapped = ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
        if wrapped is not None:
            return is_public(wrapped)
        if address.is_site_local:
            return False
    return address.is_global and not (address.is_multicast or address.is_reserved or address.is_unspecified)
