"""Files that nobody else may read and that nothing here overwrites."""

import os
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)

PRIVATE, PUBLIC = 0o600, 0o644


class EnrolmentError(Exception):
    """A key, certificate or request cannot be made, read or accepted; the message says which and why."""


def write_new(path: Path, content: bytes, mode: int) -> None:
    """Write a file that is not there yet, durably, and make its folder private if that is new.

    Raises:
        EnrolmentError: it is there already, or cannot be written.

    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
    except FileExistsError as error:
        raise EnrolmentError(f"{path}: is there already; nothing is overwritten") from error
    except OSError as error:
        raise EnrolmentError(f"{path}: cannot be written: {error.strerror}") from error


def replace_public(path: Path, content: bytes) -> None:
    """Put new content in the place of a public file, whole or not at all.

    Raises:
        EnrolmentError: it cannot be written.

    """
    fresh = path.with_name(path.name + ".new")
    try:
        fresh.unlink(missing_ok=True)
        write_new(fresh, content, PUBLIC)
        fresh.replace(path)
    except OSError as error:
        raise EnrolmentError(f"{path}: cannot be written: {error.strerror}") from error


def read(path: Path) -> bytes:
    """Read a file.

    Raises:
        EnrolmentError: it cannot be read.

    """
    try:
        return path.read_bytes()
    except OSError as error:
        raise EnrolmentError(f"{path}: cannot be read: {error.strerror}") from error


def read_private_key(path: Path) -> ec.EllipticCurvePrivateKey:
    """Read a P-256 key in PEM that only its owner may read.

    Raises:
        EnrolmentError: it cannot be read, is readable by others, or is another kind of key.

    """
    encoded = read(path)
    if path.stat().st_mode & 0o077:
        raise EnrolmentError(f"{path}: is readable by others; make it private (chmod 600)")
    try:
        key = load_pem_private_key(encoded, password=None)
    except (ValueError, TypeError) as error:
        raise EnrolmentError(f"{path}: not an unencrypted private key in PEM") from error
    if not isinstance(key, ec.EllipticCurvePrivateKey) or not isinstance(key.curve, ec.SECP256R1):
        raise EnrolmentError(f"{path}: the key is not of the curve P-256")
    return key


def new_private_key(path: Path) -> ec.EllipticCurvePrivateKey:
    """Make a P-256 key and write it as PKCS #8 PEM.

    Raises:
        EnrolmentError: the file is there already, or cannot be written.

    """
    key = ec.generate_private_key(ec.SECP256R1())
    write_new(path, key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()), PRIVATE)
    return key


def free_stem(folder: Path, name: str) -> str:
    """Return `name`, or `name-2`, `name-3` and so on: the first of which there is no key in the folder yet."""
    number, stem = 1, name
    while (folder / f"{stem}.key").exists():
        number += 1
        stem = f"{name}-{number}"
    return stem
