"""What a gateway's file says about room, rate, source and clock."""

import pytest

from api.configuration.gateway import EXAMPLE, GatewayConfig
from devices.meter_source import TailedTable
from devices.polled_meters import PolledMeters
from devices.trusted_time import TrustedTime
from oracle.errors import ConfigError

COMMAND = 'kind = "command"\ncommand = ["./read-meters", "-v"]'
TABLE = 'kind = "file"                          # a CSV of readings that grows: measured_at, meter_id, export_wh, ...'


def load(tmp_path, *changes):
    text = EXAMPLE
    for said, meant in changes:
        assert text.count(said) == 1, said
        text = text.replace(said, meant)
    (tmp_path / "gateway.toml").write_text(text)
    return GatewayConfig.load(tmp_path / "gateway.toml")


@pytest.mark.parametrize(
    ("quota", "quota_bytes"), [('"1GB"', 10**9), ('"64MB"', 64 * 10**6), ('"2 GiB"', 2**31), ("70000000", 70_000_000)]
)
def test_a_quota_is_a_number_of_bytes_or_has_a_unit(tmp_path, quota, quota_bytes):
    config = load(tmp_path, ('outbox_quota = "1GB"', f"outbox_quota = {quota}"))
    assert config.gateway.outbox_quota == quota_bytes


@pytest.mark.parametrize(
    ("said", "meant", "complaint"),
    [
        ('outbox_quota = "1GB"', 'outbox_quota = "63MB"', "gateway.outbox_quota: Input should be greater than"),
        ('outbox_quota = "1GB"', 'outbox_quota = "much"', "gateway.outbox_quota: could not parse"),
        ("backfill_rate = 200", "backfill_rate = -1", "gateway.backfill_rate: Input should be greater than"),
        ("backfill_rate = 200", "backfill_rate = inf", "gateway.backfill_rate: Input should be a finite"),
        ("require_synchronised = false", 'require_synchronised = "often"', "clock.require_synchronised"),
        ("require_synchronised", "require_synchronized", "clock.require_synchronized: Extra inputs"),
        (TABLE, COMMAND, "a source of kind 'command' takes command, not path"),
        ('path = "readings.csv"', "", "a source of kind 'file' takes path, not command"),
        (f'{TABLE}\npath = "readings.csv"', 'kind = "command"\ncommand = []', "source.command: List should have"),
    ],
)
def test_what_cannot_be_meant_is_named(tmp_path, said, meant, complaint):
    with pytest.raises(ConfigError, match=complaint):
        load(tmp_path, (said, meant))


def test_without_a_limit_the_backlog_has_no_rate(tmp_path):
    assert load(tmp_path).gateway.backfill_per_s == 200
    assert load(tmp_path, ("backfill_rate = 200", "backfill_rate = 0")).gateway.backfill_per_s is None


def test_the_source_is_what_the_file_says(tmp_path):
    time = TrustedTime(lambda: 0, lambda: 0, lambda: False)
    table = load(tmp_path).source.open(time)
    assert (type(table), table.name, table.pause_s) == (TailedTable, f"file:{tmp_path / 'readings.csv'}", 5.0)
    meters = load(tmp_path, (f'{TABLE}\npath = "readings.csv"', COMMAND)).source.open(time)
    assert (type(meters), meters.name) == (PolledMeters, f"command:{tmp_path}/read-meters -v")
