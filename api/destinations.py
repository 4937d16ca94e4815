"""Where results are written: tried before the work, replaced whole or not at all."""

import errno
import os
import secrets
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from oracle.errors import ConfigError


def require_file_place(path: Path) -> None:
    """Try whether a file can be written, without changing what is there.

    Raises:
        ConfigError: its folder is missing or cannot be written to, or the path is a folder or a file that is read only.

    """
    try:
        if path.is_dir():
            raise ConfigError(f"{path}: cannot be written: is a folder")
        if path.exists() and not os.access(path, os.W_OK):
            raise ConfigError(f"{path}: cannot be written: {os.strerror(errno.EACCES)}")
        if not _is_device(path):
            _try_folder(path, path.resolve().parent)
    except (OSError, RuntimeError, ValueError) as error:  # a loop of links, a zero byte in the name
        raise ConfigError(f"{path}: cannot be written: {_reason(error)}") from error


def require_folder_place(path: Path) -> None:
    """Try whether files can be written to a folder, or the folder be made.

    Raises:
        ConfigError: the folder above it is missing, one of them cannot be written to, or the path is a file.

    """
    try:
        if path.exists() and not path.is_dir():
            raise ConfigError(f"{path}: cannot be written: is not a folder")
        _try_folder(path, path if path.is_dir() else path.resolve().parent)
    except (OSError, RuntimeError, ValueError) as error:
        raise ConfigError(f"{path}: cannot be written: {_reason(error)}") from error


@contextmanager
def whole_file(path: Path) -> Iterator[Path]:
    """Hand out a temporary path beside a file, and put what was written there in the file's place at the end.

    A reader sees the old file or the new one, never half of it; what fails leaves the old one. A device or a pipe
    (`/dev/stdout`) is written to directly.

    Raises:
        ConfigError: the file cannot be written.

    """
    try:
        if _is_device(path):
            yield path
            return
        target = path.resolve()
        fresh = target.with_name(_temporary_name())
        try:
            yield fresh
            with fresh.open("rb") as written:
                os.fsync(written.fileno())
            fresh.replace(target)
        finally:
            fresh.unlink(missing_ok=True)
    except OSError as error:
        raise ConfigError(f"{path}: cannot be written: {_reason(error)}") from error


def write_whole(path: Path, content: str | bytes) -> None:
    """Write a file, whole or not at all; text as UTF-8.

    Raises:
        ConfigError: it cannot be written.

    """
    with whole_file(path) as fresh:
        fresh.write_bytes(content.encode("utf-8") if isinstance(content, str) else content)


def _is_device(path: Path) -> bool:
    """Tell what must not be replaced by a file: a device, a pipe, another process's output."""
    if path.is_absolute() and path.parts[1:2] in {("dev",), ("proc",)}:
        return path.exists()
    return path.exists() and not stat.S_ISREG(path.stat().st_mode)


def _try_folder(path: Path, folder: Path) -> None:
    if not folder.is_dir():
        raise ConfigError(f"{path}: cannot be written: there is no folder {folder}")
    probe = folder / _temporary_name()
    try:
        probe.touch(exist_ok=False)
    except OSError as error:
        raise ConfigError(f"{path}: cannot be written: {folder}: {_reason(error)}") from error
    finally:
        with suppress(OSError):
            probe.unlink(missing_ok=True)


def _temporary_name() -> str:
    return f".heliograph-{secrets.token_hex(6)}"


def _reason(error: Exception) -> str:
    return getattr(error, "strerror", None) or str(error)
