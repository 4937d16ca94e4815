"""The thread that reads events goes on, whatever happens to it."""

import sqlite3
import time
from contextlib import closing

import pytest

from api.notices.notices import Notices
from tests.support.event_source import EventsInMemory

ADA = "0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed"


class FailingEvents(EventsInMemory):
    """Fails for as long as `fault` is set."""

    fault = None

    def events(self, after, limit, asset_ids=None):
        if self.fault is not None:
            raise self.fault
        return super().events(after, limit, asset_ids)


def until(condition, timeout_s=5):
    deadline = time.monotonic() + timeout_s
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.01)


@pytest.mark.parametrize(
    "fault", [sqlite3.OperationalError("disk I/O error"), OSError("gone"), ValueError("a mistake")]
)
def test_events_are_told_and_queued_once_they_can_be_read_again(tmp_path, monkeypatch, caplog, fault):
    monkeypatch.setattr("api.notices.notices.LOOK_S", 0.02)
    source = FailingEvents(owners={ADA: ["roof"]})
    with closing(Notices.open(tmp_path, source)) as notices:
        hook, _ = notices.webhooks.add(
            subject=ADA, address=ADA, url="https://owner.example/", kinds=["mint"], asset_ids=None, now_ms=0
        )
        monkeypatch.setattr(notices.couriers, "start", lambda: None)  # nothing leaves this machine
        notices.start()
        until(lambda: notices.webhooks.progress() is not None)
        source.fault = fault
        source.tell("mint", "roof")
        until(lambda: "again every second" in caplog.text)
        assert notices.webhooks.record(hook.webhook_id).pending == 0
        source.fault = None
        until(lambda: notices.webhooks.record(hook.webhook_id).pending == 1)
        assert notices.figures()["events_told"] == 1


def test_what_happened_while_nobody_ran_is_queued_at_the_next_start(tmp_path, monkeypatch):
    monkeypatch.setattr("api.notices.notices.LOOK_S", 0.02)
    source = EventsInMemory(owners={ADA: ["roof"]})
    source.tell("mint", "roof", before="the first start")
    for expected in (0, 1):
        with closing(Notices.open(tmp_path, source)) as notices:
            monkeypatch.setattr(notices.couriers, "start", lambda: None)
            if not expected:
                notices.webhooks.add(
                    subject=ADA, address=ADA, url="https://owner.example/", kinds=["mint"], asset_ids=None, now_ms=0
                )
            notices.start()
            until(lambda notices=notices: notices.webhooks.progress() is not None)
            until(lambda notices=notices, expected=expected: notices.figures()["deliveries_pending"] == expected)
        source.tell("mint", "roof", while_nobody="ran")
