"""Files that appear whole and durable, or not at all."""

import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from oracle.errors import JournalError


@contextmanager
def new_file(target: Path, *, replace: bool = False) -> Iterator[Path]:
    """Hand out a temporary path beside `target`, and give it that name at the end: durable first, then named.

    Args:
        target: the file to be; its folder must be there.
        replace: whether a file of that name may be replaced.

    Raises:
        JournalError: the file is there already, or the disk refuses. Nothing is left behind.

    """
    if target.exists() and not replace:
        raise JournalError(f"{target}: is there already")
    if not target.parent.is_dir():
        raise JournalError(f"{target}: cannot be written: there is no folder {target.parent}")
    fresh = target.with_name(f".heliograph-{secrets.token_hex(6)}")
    try:
        yield fresh
        _sync(fresh)
        if replace:
            fresh.replace(target)
        else:
            os.link(fresh, target)  # unlike a rename it never takes the place of a file that came meanwhile
        fresh.unlink(missing_ok=True)
        _sync(target.parent)
    except FileExistsError as error:
        raise JournalError(f"{target}: is there already") from error
    except OSError as error:
        raise JournalError(f"{target}: cannot be written: {error.strerror or error}") from error
    finally:
        for left in (fresh, *(fresh.with_name(f"{fresh.name}{tail}") for tail in ("-wal", "-shm", "-journal"))):
            left.unlink(missing_ok=True)


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
