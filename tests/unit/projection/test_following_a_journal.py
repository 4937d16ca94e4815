"""What the projection says of a journal is what the journal says, however it came to be read."""

import shutil
import sqlite3
import threading
import time
from contextlib import closing

import pytest

from api.projection import journal_follower
from oracle.errors import JournalError
from oracle.journal.archiving import archive_sealed
from oracle.journal.journal import Journal
from oracle.metering.ledger import balances
from oracle.metering.settlement import Standing
from tests.support.reported_journal import filled, hours, report

ASSET = "roof-1"
ALL = (0, 2**50)


def asset_of(fleet):
    (asset_id,) = fleet.registry().assets
    return asset_id


def accounts_shown(projection, asset_id):
    shown, after = {}, None
    while True:
        page = projection.accounts(asset_id, *ALL, None, after, 7)
        for view in page.items:
            key = (view.meter_id, int(view.start.timestamp() * 1000), Standing[view.standing.upper()], view.reason)
            assert key not in shown
            shown[key] = view.wh
        if (after := page.next) is None:
            return shown


def booked(journal):
    return {tuple(key): wh for key, wh in balances(journal.entries()).items()}


def is_exact(projection, journal, fleet):
    """Every sum there is, held against the entries."""
    asset_id = asset_of(fleet)
    accounts = booked(journal)
    assert accounts_shown(projection, asset_id) == accounts
    by_standing = {standing: sum(wh for key, wh in accounts.items() if key[2] is standing) for standing in Standing}
    for per in ("interval", "hour", "day", "month"):
        page = projection.production(asset_id, *ALL, per, None, 1000)
        assert sum(view.attested_wh for view in page.items) == by_standing[Standing.ATTESTED]
        assert sum(view.withheld_wh for view in page.items) == by_standing[Standing.WITHHELD]
        assert sum(view.disputed_wh for view in page.items) == by_standing[Standing.DISPUTED]
    view = projection.asset(asset_id)
    assert (view.attested_wh, view.withheld_wh, view.disputed_wh) == tuple(by_standing.values())
    return True


def test_every_watt_hour_is_shown_once(followed, fleet):
    assert booked(followed.journal)
    assert is_exact(followed.projection, followed.journal, fleet)


def test_what_comes_later_is_added_to_what_was_read(followed, fleet, steady):
    journal = followed.journal
    for number in range(3, 5):
        envelopes = hours(fleet, steady, number * 2, 2)
        journal.record_envelopes(envelopes, 2000 + number)
        report(journal, fleet, envelopes[-1].last_ms // 1000 + 1)
        followed.follower.catch_up()
        assert is_exact(followed.projection, journal, fleet)
    assert [view.epoch for view in followed.projection.reports(None, 10).items] == [5, 4, 3, 2, 1]


def test_a_disabled_report_takes_its_entries_back(followed, fleet):
    before = followed.projection.asset(asset_of(fleet)).attested_wh
    followed.journal.record_disabled(3)
    followed.follower.catch_up()
    assert is_exact(followed.projection, followed.journal, fleet)
    assert followed.projection.asset(asset_of(fleet)).attested_wh < before
    assert [(view.epoch, view.status) for view in followed.projection.reports(None, 10).items] == [
        (3, "disabled"), (2, "pending"), (1, "pending"),
    ]  # fmt: skip
    station = next(one for one in followed.projection.status().stations if one.name == "report")
    assert station.epoch == 2


def test_sums_that_are_taken_back_leave_no_rows(followed):
    for epoch in (3, 2, 1):
        followed.journal.record_disabled(epoch)
    followed.follower.catch_up()
    assert booked(followed.journal) == {}
    with closing(sqlite3.connect(followed.projection._store.path)) as connection:
        for table in ("energy", "energy_day", "energy_month", "energy_total"):
            assert connection.execute(f"SELECT count(*) FROM {table}").fetchone() == (0,)


def test_small_steps_come_to_the_same(journal, path, open_projection, fleet, monkeypatch):
    for name, limit in (("BOOKINGS_A_STEP", 3), ("ARRIVALS_A_STEP", 2), ("REPORTS_A_STEP", 2)):
        monkeypatch.setattr(journal_follower, name, limit)
    journal.record_disabled(3)
    projection = open_projection()
    projection.follow_journal(path).catch_up()
    assert is_exact(projection, journal, fleet)
    envelopes, readings, _ = journal.tallies()
    station = projection.status().stations[1]
    assert (station.envelopes, station.readings) == (envelopes, readings)


def test_a_restart_goes_on_where_it_was(followed, open_projection, fleet, steady):
    version, instance = followed.projection.version(), followed.projection.instance()
    followed.projection.close()
    envelopes = hours(fleet, steady, 6, 2)
    followed.journal.record_envelopes(envelopes, 3000)
    report(followed.journal, fleet, envelopes[-1].last_ms // 1000 + 1)
    again = open_projection()
    assert (again.version(), again.instance()) == (version, instance)
    again.follow_journal(followed.path).catch_up()
    assert is_exact(again, followed.journal, fleet)
    envelopes_, readings, _ = followed.journal.tallies()
    assert (again.status().stations[1].envelopes, again.status().stations[1].readings) == (envelopes_, readings)


def test_nothing_new_changes_nothing(followed):
    version = followed.projection.version()
    followed.follower.catch_up()
    followed.follower.catch_up()
    assert followed.projection.version() == version


def test_versions_rise_by_asset(followed, fleet, steady):
    asset_id = asset_of(fleet)
    booked_at, shown_at = followed.projection.version(asset_id, live=False), followed.projection.version(asset_id)
    followed.journal.record_envelopes(hours(fleet, steady, 6, 1), 3000)
    followed.follower.catch_up()
    assert followed.projection.version(asset_id) > shown_at
    assert followed.projection.version(asset_id, live=False) == booked_at


def test_another_journal_in_its_place_is_noticed_and_read_anew(followed, fleet, steady, tmp_path):
    with closing(Journal.open(tmp_path / "other.sqlite", "demo")) as other:
        filled(other, fleet, steady, reports=2, a_report=1)
        for tail in ("", "-wal", "-shm"):
            (tmp_path / f"journal.sqlite{tail}").unlink(missing_ok=True)
            if (tmp_path / f"other.sqlite{tail}").exists():
                shutil.copy(tmp_path / f"other.sqlite{tail}", tmp_path / f"journal.sqlite{tail}")
        followed.follower.catch_up()
        assert is_exact(followed.projection, other, fleet)
        assert "another journal" in followed.projection.freshness().journal.remark
        envelopes, readings, _ = other.tallies()
        station = followed.projection.status().stations[1]
        assert (station.envelopes, station.readings) == (envelopes, readings)


def test_while_the_journal_is_away_reads_go_on_and_say_since_when(followed, fleet, tmp_path):
    asset_id = asset_of(fleet)
    shown = followed.projection.asset(asset_id)
    away = tmp_path / "away"
    followed.path.rename(away)
    follower = followed.follower
    follower._idle_s = 0.02
    follower.start()
    deadline = time.monotonic() + 10
    while followed.projection.freshness().journal.stale_since is None:
        assert time.monotonic() < deadline
        time.sleep(0.02)
    source = followed.projection.freshness().journal
    assert source.stale_since == source.fresh_at
    assert "there is no such journal" in source.fault
    assert followed.projection.asset(asset_id) == shown
    assert {one.state for one in followed.projection.status().stations if one.name in ("meters", "journal")} == {
        "stale"
    }
    with pytest.raises(TimeoutError, match="no such journal"):
        followed.projection.wait_fresh(0.2)
    with pytest.raises(JournalError):
        followed.projection.readings(asset_id, *ALL, None, 10)
    away.rename(followed.path)
    followed.projection.wait_fresh()
    assert followed.projection.freshness().journal.stale_since is None
    assert followed.projection.readings(asset_id, *ALL, None, 10).items


def test_since_when_a_source_is_stale_survives_a_restart(followed, open_projection):
    followed.path.unlink()
    with pytest.raises(JournalError):
        followed.follower.catch_up()
    followed.projection._sources.failed("journal", "it is gone")
    stale_since = followed.projection.freshness().journal.stale_since
    followed.projection.close()
    source = open_projection().freshness().journal
    assert (source.stale_since, source.fault) == (stale_since, "it is gone")


@pytest.mark.usefixtures("journal")
def test_a_journal_of_another_network_is_refused(path, open_projection):
    projection = open_projection(network="elsewhere")
    with pytest.raises(JournalError, match="of network demo, not of elsewhere"):
        projection.follow_journal(path).catch_up()


def test_the_node_never_waits_for_its_reader(followed, fleet, steady):
    """A commit while the follower is within a reading transaction."""
    reading, written = threading.Event(), threading.Event()

    def read():
        with followed.follower._opened().moment():
            followed.follower._journal.last_row("envelope")
            reading.set()
            assert written.wait(10)

    reader = threading.Thread(target=read)
    reader.start()
    assert reading.wait(10)
    began = time.monotonic()
    followed.journal.record_envelopes(hours(fleet, steady, 6, 1), 3000)
    took_s = time.monotonic() - began
    written.set()
    reader.join(10)
    assert took_s < 1.0


def test_envelopes_that_were_moved_to_an_archive_stay_counted_and_readable(followed, fleet, tmp_path):
    asset_id = asset_of(fleet)
    before = followed.projection.readings(asset_id, *ALL, None, 1000).items
    envelopes, readings, _ = followed.journal.tallies()
    (tmp_path / "archives").mkdir()
    assert archive_sealed(followed.path, "demo", 2**50, tmp_path / "archives" / "old.parquet")
    followed.follower.catch_up()
    station = followed.projection.status().stations[1]
    assert (station.envelopes, station.readings) == (envelopes, readings)
    followed.projection.follow_journal(followed.path, [tmp_path / "archives"]).catch_up()
    assert followed.projection.readings(asset_id, *ALL, None, 1000).items == before


def test_held_back_energy_is_told_with_its_reason(journal, path, open_projection, fleet, steady):
    leap = [fleet.envelope(0, steady(60, from_hour=24, register_wh=40_000), first_sequence=24)]
    journal.record_envelopes(leap, 2000)
    report(journal, fleet, leap[-1].last_ms // 1000 + 1)
    held = {
        (entry.epoch, Standing(entry.account.standing).name.lower(), entry.account.reason)
        for entry in journal.entries()
        if entry.account.standing and entry.account.reason != "uncorroborated" and entry.energy_wh > 0
    }
    assert (4, "disputed", "jump") in held
    projection = open_projection()
    projection.follow_journal(path).catch_up()
    told = [event.document for event in projection.events(0, 1000) if event.kind == "withheld"]
    assert {(document["epoch"], document["standing"], document["reason"]) for document in told} == held
    assert sum(document["wh"] for document in told) == sum(
        wh for key, wh in booked(journal).items() if key[3] == "jump"
    )
    assert is_exact(projection, journal, fleet)
    (held_back,) = [one for one in projection.portfolio(None).held_back if one.reason == "jump"]
    assert (held_back.standing, held_back.wh) == ("disputed", told[0]["wh"])


def test_the_registry_of_the_last_report_stands_in_for_a_chain_that_was_never_heard(followed, fleet):
    view = followed.projection.asset(asset_of(fleet))
    registered = fleet.registry().assets[view.asset_id]
    assert (view.nameplate_w, view.beneficiary) == (registered.nameplate_w, registered.beneficiary)
    assert [meter.meter_id for meter in view.meters] == ["met-0", "met-1"]
    assert followed.projection.assets_of(registered.beneficiary.lower()) == {view.asset_id}
    assert followed.projection.freshness().chain.fresh_at is None
