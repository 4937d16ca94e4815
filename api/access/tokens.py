"""Bearer tokens: what they look like, and what is kept of them.

    hgk_<12 hex digits: number of the key>_<64 hex digits: 256 bits of chance>       API key
    hgs_<12 hex digits: number of the session>_<64 hex digits>                       session

Kept is SHA-256 of the whole token. That is enough for 256 bits of chance: there is nothing to guess, so nothing to slow down.
"""

import hashlib
import re
import secrets

KEY, SESSION = "hgk", "hgs"
TOKEN = re.compile(r"(hgk|hgs)_([0-9a-f]{12})_[0-9a-f]{64}")


def new_token(kind: str) -> tuple[str, str]:
    """Make a token; return its number, which is no secret, and the token, which is."""
    number = secrets.token_hex(6)
    return number, f"{kind}_{number}_{secrets.token_hex(32)}"


def token_digest(token: str) -> bytes:
    """What is kept of a token."""
    return hashlib.sha256(token.encode()).digest()
