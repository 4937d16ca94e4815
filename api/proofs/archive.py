"""An archive held against itself and, if it is given, against the journal that its rows left."""

import sqlite3
from contextlib import closing
from pathlib import Path

from api.proofs.verify import Ground, Verified
from oracle.attestation.verification import OnStep, Step
from oracle.errors import ConfigError, JournalError, ProofError
from oracle.journal.archive import Archive
from oracle.journal.inspection import chain_faults, open_to_read


def verify_archive(path: Path, journal_path: Path | None, on_step: OnStep) -> Verified:
    """Verify an archive row by row; `on_step` is told of each step that holds.

    Raises:
        ProofError: a step does not hold; it names file and row.
        ConfigError: the journal cannot be read, or is of another network.

    """
    try:
        archive = Archive(path)
    except JournalError as error:
        raise ProofError("document", str(error)) from error
    with closing(archive):
        on_step(Step("document", f"archive of network {archive.network}, {len(archive)} envelopes"))
        fault = next(archive.faults(), None)
        if fault is not None:
            raise ProofError("rows", fault)
        on_step(Step("rows", "each fits its link, is what its device signed, and its signature verifies"))
        meters, readings = set(), 0
        for row, _ in archive.rows():
            meters.add((row.device, row.meter))
            readings += row.reading_count
        if journal_path is not None:
            on_step(Step("journal", _check_journal(archive, journal_path)))
    found = f"{len(archive)} envelopes of {len(meters)} meters, {readings} readings"
    if journal_path is None:
        return Verified(
            Ground.UNANCHORED,
            (found,),
            "UNANCHORED: the archive holds together, but nothing says that its keys are the right ones, or that nothing"
            " is missing; use --journal",
        )
    return Verified(
        Ground.ANCHORED, (found,), f"VERIFIED: these rows left {journal_path}, and nothing of them has changed"
    )


def _check_journal(archive: Archive, journal_path: Path) -> str:
    try:
        connection, network = open_to_read(journal_path)
    except JournalError as error:
        raise ConfigError(str(error)) from error
    with closing(connection):
        try:
            if network != archive.network:
                raise ConfigError(f"{journal_path}: is of network {network}, the archive of {archive.network}")
            if fault := next(chain_faults(connection), None):
                raise ProofError("journal", f"{journal_path}: {fault}")
            known = dict(connection.execute("SELECT seq, link FROM archived UNION ALL SELECT seq, link FROM envelope"))
            for row, _ in archive.rows():
                if known.get(row.seq) != row.link:
                    raise ProofError("journal", f"{archive.path}: row {row.seq}: is none of {journal_path}")
            (used,) = connection.execute("SELECT count(*) FROM used JOIN archived USING (digest)").fetchone()
        except sqlite3.Error as error:
            raise ConfigError(f"{journal_path}: cannot be read: {error}") from error
    return f"each row is the one that left the journal, whose links hold; {used} of its moved envelopes are in reports"
