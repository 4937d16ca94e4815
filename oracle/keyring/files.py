"""Keys in two files that only their owner may read."""

import os
import secrets
from pathlib import Path

from devices.device_key import SigningKey
from oracle.errors import ConfigError
from oracle.keyring.memory import MemoryKeyring

REPORT_KEY_FILE = "report-key.hex"
ACK_KEY_FILE = "ack-key.pem"


def load_keyring(folder: Path) -> MemoryKeyring:
    """Read a node's keys.

    Raises:
        ConfigError: a file is missing, readable by others, or holds no key.

    """
    try:
        secret = bytes.fromhex(_read_private(folder / REPORT_KEY_FILE).strip())
        return MemoryKeyring(secret, SigningKey.from_pem(_read_private(folder / ACK_KEY_FILE)))
    except ValueError as error:
        raise ConfigError(f"{folder}: holds no usable key: {error}") from error


def create_keyring(folder: Path) -> MemoryKeyring:
    """Make a node's keys; keys that are there already are kept.

    Raises:
        ConfigError: what is there cannot be used.

    """
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        _write_private(folder / REPORT_KEY_FILE, secrets.token_bytes(32).hex() + "\n")
        _write_private(folder / ACK_KEY_FILE, SigningKey.generate("eddsa").to_pem())
    except OSError as error:
        raise ConfigError(f"{folder}: cannot be written: {error.strerror}") from error
    return load_keyring(folder)


def _read_private(path: Path) -> str:
    try:
        if path.stat().st_mode & 0o077:
            raise ConfigError(f"{path}: is readable by others; make it private (chmod 600)")
        return path.read_text(encoding="ascii")
    except OSError as error:
        raise ConfigError(f"{path}: cannot be read: {error.strerror}") from error


def _write_private(path: Path, content: str) -> None:
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        return
    with os.fdopen(descriptor, "w", encoding="ascii") as file:
        file.write(content)
