"""Private keys of accounts that pay for transactions: a file for one key, in hex, private to its owner."""

from pathlib import Path

from eth_account import Account
from eth_account.signers.local import LocalAccount

from oracle.errors import ConfigError


def read_account(path: Path) -> LocalAccount:
    """Read a key file.

    Raises:
        ConfigError: the file cannot be read, is readable by others, or holds no key.

    """
    try:
        if path.stat().st_mode & 0o077:
            raise ConfigError(f"{path}: is readable by others; make it private (chmod 600)")
        text = path.read_text(encoding="ascii")
    except OSError as error:
        raise ConfigError(f"{path}: cannot be read: {error.strerror}") from error
    except ValueError:  # not ASCII
        text = ""
    return account_of(text, str(path))


def account_of(text: str, where: str) -> LocalAccount:
    """Make an account of a private key in hex. Raises ConfigError, which names the place and not the text."""
    try:
        account: LocalAccount = Account.from_key(text.strip())
    except ValueError:  # binascii's and eth_keys' errors are such
        raise ConfigError(f"{where}: holds no private key of 32 bytes in hex") from None
    return account
