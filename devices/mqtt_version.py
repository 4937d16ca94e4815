"""Find out which MQTT a broker speaks, before a session begins."""

import socket
import ssl

from devices.broker_address import BrokerAddress

_ANSWER_SECONDS = 3.0
_PROBE = b"\x10\x0d\x00\x04MQTT\x05\x02\x00\x0a\x00\x00\x00"  # CONNECT: MQTT 5, clean start, no name, no properties
_CONNACK, _REFUSED_VERSION_3 = 0x20, 1


def speaks_mqtt5(address: BrokerAddress, context: ssl.SSLContext | None = None) -> bool:
    """Ask a broker whether it speaks MQTT 5, with a CONNECT that a broker of MQTT 3.1.1 can read up to its refusal.

    A CONNECT with properties cannot serve: some brokers of MQTT 3.1.1 take them for the length of a name and wait for
    the rest of it. No answer at all counts as no; over TLS (with a context) it means that we are not let in, because
    a broker says so only after its side of the handshake (RFC 8446 section 4.4.2.4).

    Raises:
        OSError: the broker cannot be reached, is not trusted, or does not accept our certificate.

    """
    with socket.create_connection((address.host, address.port), timeout=_ANSWER_SECONDS) as plain:
        if context is None:
            try:
                answer = _ask(plain)
            except (TimeoutError, ConnectionError):
                return False
        else:
            with context.wrap_socket(plain, server_hostname=address.host) as secure:
                answer = _ask(secure)
            if not answer:
                raise ConnectionError("it closes the connection without an answer; it may not accept our certificate")
    return len(answer) == 4 and answer[0] == _CONNACK and answer[3] != _REFUSED_VERSION_3


def _ask(probe: socket.socket) -> bytes:
    answer = b""
    probe.sendall(_PROBE)
    while len(answer) < 4 and (more := probe.recv(4 - len(answer))):
        answer += more
    return answer
