"""A report that a guardian disabled stays in the journal and counts no more."""

from contextlib import closing

import pytest

from oracle.errors import JournalError
from oracle.journal.archiving import archive_sealed
from oracle.journal.journal import Journal
from oracle.metering.ledger import balances
from oracle.reporting.report import NO_REPORT
from tests.support.reported_journal import HOUR_S, filled, hours, report

FAR_MS = 2**50


@pytest.fixture
def path(tmp_path):
    return tmp_path / "journal.sqlite"


@pytest.fixture
def journal(path, fleet, steady):
    with closing(Journal.open(path, "demo")) as journal:
        filled(journal, fleet, steady, reports=3)
        yield journal


def digest_of(journal, fleet, epoch):
    return journal.report(epoch).report.digest(fleet.domain)


def test_what_was_written_stays_and_counts_no_more(journal):
    before = journal.reports()
    booked = [balances([entry for entry in journal.entries() if entry.epoch <= 2])]
    journal.record_disabled(3)
    assert journal.reports() == before[:2]
    assert journal.reports(disabled=True) == before
    assert (journal.last_report(), journal.last_epoch(), journal.report(3)) == (before[1], 2, None)
    assert journal.disabled_epochs() == [3]
    assert [balances(journal.entries())] == booked
    assert journal.faults() == []


def test_its_envelopes_wait_for_the_next_report(journal):
    manifest = journal.last_report().manifest
    assert journal.unreported(FAR_MS) == []
    journal.record_disabled(3)
    assert tuple(envelope.digest for envelope in journal.unreported(FAR_MS)) == manifest
    assert not set(manifest) & set(journal.used())


def test_a_later_report_settles_as_if_the_disabled_one_had_never_been(journal, fleet, steady, tmp_path):
    last = journal.last_report()
    cutoff_s = last.report.cutoff_s + HOUR_S
    with closing(Journal.open(tmp_path / "other.sqlite", "demo")) as other:
        filled(other, fleet, steady, reports=2)
        other.record_envelopes(hours(fleet, steady, 4, 2), 1002)
        undisturbed = report(other, fleet, cutoff_s)
        journal.record_disabled(3)
        again = report(journal, fleet, cutoff_s)
        assert (again.report.epoch, undisturbed.report.epoch) == (4, 3)
        assert again.statements == undisturbed.statements
        assert balances(journal.entries()) == balances(other.entries())
    assert journal.faults() == []


def test_reports_are_followed_by_what_they_build_on(journal, fleet):
    second = digest_of(journal, fleet, 2)
    third = digest_of(journal, fleet, 3)
    journal.record_disabled(3)
    assert [one.report.epoch for one in journal.reports_to(second)] == [1, 2]
    assert [one.report.epoch for one in journal.reports_to(third)] == [1, 2, 3]
    assert journal.reports_to(NO_REPORT) == []
    with pytest.raises(JournalError, match="does not hold the report"):
        journal.reports_to(b"\7" * 32)


def test_disabling_again_or_what_is_not_there_changes_nothing(journal):
    journal.record_disabled(3)
    entries = journal.entries()
    journal.record_disabled(3)
    journal.record_disabled(9)
    assert (journal.entries(), journal.disabled_epochs()) == (entries, [3])


def test_all_of_them_may_be_disabled_the_newest_first(journal):
    for epoch in (3, 2, 1):
        journal.record_disabled(epoch)
    assert journal.last_report() is None
    assert balances(journal.entries()) == {}
    assert journal.used() == {}
    assert journal.faults() == []


def test_envelopes_that_left_for_an_archive_are_missed(journal, path, tmp_path):
    assert archive_sealed(path, "demo", FAR_MS, tmp_path / "a.parquet")
    with pytest.raises(JournalError, match="are in an archive already"):
        journal.record_disabled(3)
    assert journal.last_epoch() == 3
    assert journal.faults() == []
