"""The signature under a webhook, as Standard Webhooks defines it (https://www.standardwebhooks.com). Pure.

    webhook-id: msg_…             the same each time that a delivery is tried
    webhook-timestamp: 1764000000 when this try was signed [s UTC]
    webhook-signature: v1,…       base64 of HMAC-SHA256 over `id.timestamp.body`

A receiver computes it anew under the secret that it was given once, refuses old timestamps, and remembers the ids it has
seen: a delivery may come more than once.
"""

import base64
import hashlib
import hmac
from collections.abc import Mapping

SECRET_PREFIX = "whsec_"  # noqa: S105  it tells what a secret is, and is none
SECRET_BYTES = 32
TOLERANCE_S = 300
"""How far a receiver should let a timestamp be from its clock [s]."""


def format_secret(secret: bytes) -> str:
    """Write a secret as it is shown once, and as libraries for Standard Webhooks take it."""
    return SECRET_PREFIX + base64.b64encode(secret).decode()


def parse_secret(text: str) -> bytes:
    """Read a secret as it was shown.

    Raises:
        ValueError: it is none.

    """
    if not text.startswith(SECRET_PREFIX):
        raise ValueError(f"a webhook's secret begins with {SECRET_PREFIX}")
    return base64.b64decode(text.removeprefix(SECRET_PREFIX), validate=True)


def headers(secret: bytes, delivery_id: str, timestamp_s: int, body: bytes) -> dict[str, str]:
    """Make the three headers of one try."""
    return {
        "webhook-id": delivery_id,
        "webhook-timestamp": str(timestamp_s),
        "webhook-signature": "v1," + base64.b64encode(_mac(secret, delivery_id, timestamp_s, body)).decode(),
    }


def verify(secret: bytes, sent: Mapping[str, str], body: bytes, *, now_s: int) -> bool:
    """Tell whether a webhook is genuine and recent, as a receiver does.

    Args:
        secret: as it was given when the webhook was made.
        sent: the headers that came, with names in lower case; the signature may be several, parted by spaces.
        body: the bytes that came.
        now_s: the receiver's clock [s UTC].

    """
    try:
        delivery_id, timestamp_s = sent["webhook-id"], int(sent["webhook-timestamp"])
        given = sent["webhook-signature"].split(" ")
    except (KeyError, ValueError):
        return False
    if abs(now_s - timestamp_s) > TOLERANCE_S:
        return False
    expected = headers(secret, delivery_id, timestamp_s, body)["webhook-signature"].encode()
    return any(hmac.compare_digest(each.encode(), expected) for each in given)


def _mac(secret: bytes, delivery_id: str, timestamp_s: int, body: bytes) -> bytes:
    return hmac.new(secret, f"{delivery_id}.{timestamp_s}.".encode() + body, hashlib.sha256).digest()
