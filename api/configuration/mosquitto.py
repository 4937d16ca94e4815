"""The configuration of a mosquitto that admits known certificates only, each to its own topics."""

from collections.abc import Iterable
from pathlib import PurePath

from devices import topics

HEADER = "# Written by `heliograph broker-config`; run it again instead of editing.\n"
MESSAGE_BYTES = 512 * 1024
"""The largest message: one envelope alone (see devices/README.md)."""
PACKET_BYTES = MESSAGE_BYTES + 16 * 1024
SESSION_DAYS = 7
QUEUED_MESSAGES = 100_000
QUEUED_BYTES = 256 * 1024 * 1024


def access_list(network: str, gateways: Iterable[str], nodes: Iterable[str]) -> str:
    """Write the access list: what is not named is refused.

    A gateway writes its own telemetry and status and reads its own acknowledgements; a node reads all telemetry and
    status and writes acknowledgements under its own name. Names are common names of certificates.

    Raises:
        TopicError: a name is not an identifier.

    """
    lines = [HEADER]
    for name in sorted(set(gateways)):
        lines += [
            f"user {name}",
            f"topic write {topics.format_telemetry(network, name)}",
            f"topic write {topics.format_status(network, name)}",
            f"topic read {topics.format_ack_filter(network, name).removesuffix('+')}#",
            "",
        ]
    for name in sorted(set(nodes)):
        acknowledgements = topics.format_ack(network, "any", name).removesuffix(f"any/{name}")
        lines += [
            f"user {name}",
            f"topic read {topics.format_telemetry_filter(network)}",
            f"topic read {topics.format_status(network, 'any').removesuffix('any')}#",
            f"topic write {acknowledgements}+/{name}",
            "",
        ]
    return "\n".join(lines)


def mosquitto_conf(  # noqa: PLR0913 - keyword-only: what the file is made of
    *, folder: PurePath, server: str, port: int, bind: str | None, run_as: str | None, persistence: PurePath
) -> str:
    """Write `mosquitto.conf` for mosquitto 2.

    Args:
        folder: where ca.pem, crl.pem, acl and the broker's certificate are on its machine.
        server: stem of the broker's certificate and key in that folder.
        port: where it listens.
        bind: address it listens on; None means all.
        run_as: system user it becomes when it is started as root; None leaves that to mosquitto.
        persistence: folder in which it keeps sessions and messages, its own and writable.

    """
    settings = [
        ("listener", f"{port} {bind}" if bind else port),
        ("tls_version", "tlsv1.2"),  # and newer
        ("cafile", folder / "ca.pem"),
        ("crlfile", folder / "crl.pem"),
        ("certfile", folder / f"{server}.pem"),
        ("keyfile", folder / f"{server}.key"),
        ("require_certificate", "true"),
        ("use_identity_as_username", "true"),
        ("allow_anonymous", "false"),
        ("acl_file", folder / "acl"),
        ("persistence", "true"),
        ("persistence_location", f"{persistence}/"),
        ("autosave_interval", 60),
        ("persistent_client_expiration", f"{SESSION_DAYS}d"),
        ("set_tcp_nodelay", "true"),
        ("max_packet_size", PACKET_BYTES),
        ("message_size_limit", MESSAGE_BYTES),
        ("max_inflight_messages", 256),
        ("max_queued_messages", QUEUED_MESSAGES),
        ("max_queued_bytes", QUEUED_BYTES),
        ("max_keepalive", 300),
        ("log_dest", "stderr"),
        ("log_type", "error"),
        ("log_type", "warning"),
        ("log_type", "notice"),
    ]
    if run_as is not None:
        settings.insert(0, ("user", run_as))
    return HEADER + "".join(f"{name} {setting}\n" for name, setting in settings)
