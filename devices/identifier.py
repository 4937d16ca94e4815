"""Names of devices, meters, gateways, nodes and networks.

A name is 1 to 28 ASCII characters, so that it fits the left of a bytes32 on chain with four bytes to spare.
"""

import re

GRAMMAR = r"[A-Za-z0-9][A-Za-z0-9._-]{0,27}"
MAX_LENGTH = 28

_TEXT = re.compile(GRAMMAR)


def is_identifier(name: str) -> bool:
    """Tell whether `name` follows the grammar of identifiers."""
    return _TEXT.fullmatch(name) is not None


def require_identifier(name: str, what: str) -> str:
    """Return `name` unchanged.

    Raises:
        ValueError: `name` does not follow the grammar; the message says what it names.

    """
    if not is_identifier(name):
        raise ValueError(f"{what} {name!r} is not an identifier: 1 to 28 of A-Z a-z 0-9 . _ -, first a letter or digit")
    return name
