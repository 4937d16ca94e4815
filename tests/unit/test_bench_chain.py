"""The pure parts of `heliograph bench chain`: the fleet, the figures, the tables."""

import re
from dataclasses import replace

import pytest

from api.bench.chain import fleet
from api.bench.chain.features import Names, _name
from api.bench.chain.figures import GOALS, ChainFigures, Measured
from api.bench.chain.options import ChainOptions
from api.bench.chain.report import to_tables
from api.bench.chain.signing import Signers
from contracts.state import to_bytes32
from oracle.attestation.signature import recover_signer
from oracle.reporting.keccak import keccak256

MEASURED = Measured(
    first_lap={"3-of-4": 105_000, "21-of-31": 188_000},
    publish={"3-of-4": [71_000, 72_000], "21-of-31": [154_000]},
    settle_first=200 * 70_000,
    settle={50: 200 * 22_000, 100: 200 * 20_500},
    settle_first_turn=200 * 90_000,
    settle_new_month=200 * 60_000,
    share_transfer=60_000,
    share_transfer_to_new=70_000,
    naive_first=200 * 130_000,
    naive_day=60 * (143_000 + 200 * 20_500),
    naive_daylight=30 * (143_000 + 200 * 20_500),
    naive_share_transfer=88_000,
    features={"share_transfer": {"transaction": 21_000.0, "events": 39_000.0}},
)


def figures(**changed):
    return ChainFigures(ChainOptions(200, 4, traces=True), {}, replace(MEASURED, **changed), {})


def test_each_plant_has_a_name_of_its_own_as_long_as_real_ones():
    names = [plant.asset_id for plant in fleet.fleet(2000, 100)]
    assert len(set(names)) == 2000
    assert all(len(to_bytes32(name)) == 32 and 15 <= len(name) <= 21 for name in names)


def test_a_day_is_the_sum_of_its_hours():
    assert sum(fleet.SHARE_OF_DAY) == 1000
    for plant in fleet.fleet(100, 3):
        hours = [plant.hour(151, hour) for hour in range(24)]
        assert plant.until(152).energy_wh == plant.until(151).energy_wh + sum(hour.energy_wh for hour in hours)


def test_the_fleet_stays_under_its_ceilings():
    for plant in fleet.fleet(200, 4):
        total = plant.until(365)
        assert total.energy_wh <= plant.nameplate_w * 365 * 24 * fleet.CAPACITY_FACTOR_CEILING_PPM // 1_000_000
        assert total.credits_g * 1_000_000 <= total.energy_wh * fleet.FACTOR_CEILING_G_PER_MWH
        assert total.revenue_minor * 1_000_000 <= total.energy_wh * fleet.TARIFF_CEILING_MINOR_PER_MWH


@pytest.mark.parametrize(("count", "needed"), [(4, 3), (31, 21)])
def test_a_quorum_signs_in_ascending_order(count, needed):
    signers, digest = Signers.of(count), keccak256(b"report")
    signatures = signers.sign(digest)
    assert len(signatures) == 65 * needed == 65 * signers.threshold
    signed_by = [recover_signer(digest, signatures[at : at + 65]) for at in range(0, len(signatures), 65)]
    assert signed_by == [one for one in signers.addresses if one in signed_by]
    assert len(set(signed_by)) == needed


def test_goals_that_are_just_met_are_met():
    assert figures().missed == []
    assert figures().by_key()["day_ratio_to_naive"] == 60


@pytest.mark.parametrize(
    ("changed", "key"),
    [
        ({"publish": {"3-of-4": [72_001, 70_999], "21-of-31": [154_000]}}, "publish_3_of_4"),
        ({"publish": {"3-of-4": [71_000, 72_000], "21-of-31": [154_000, 170_001]}}, "publish_21_of_31"),
        ({"settle": {50: 200 * 22_001, 100: 200 * 20_500}}, "settle_per_asset_50"),
        ({"naive_day": 59 * (143_000 + 200 * 20_500)}, "day_ratio_to_naive"),
        ({"share_transfer": 60_001}, "share_transfer"),
    ],
)
def test_a_goal_that_is_missed_is_said(changed, key):
    (missed,) = figures(**changed).missed
    assert missed.startswith(f"{key} is ")
    assert key in figures(**changed).to_json()["goals"]


def test_json_holds_every_goal_and_its_figure():
    written = figures().to_json()
    assert all(goal.key in written and goal.key in written["goals"] for goal in GOALS)


def test_the_tables_show_figure_goal_naive_and_features():
    from rich.console import Console  # noqa: PLC0415

    console = Console(width=120)
    with console.capture() as capture:
        console.print(to_tables(figures(settle={50: 200 * 22_000, 100: 200 * 21_000})))
    text = capture.get()
    assert re.search(r"batches of 100 +21,000 +≤ 20,500 MISSED", text)
    assert re.search(r"share transfer +60,000 +≤ 60,000 +88,000", text)
    assert re.search(r"events +39,000 +65.0%", text)


def test_what_gas_was_spent_on_is_named_after_contract_and_slot():
    names = Names(contracts={0xA: "ledger", 0xB: "registry"}, slots={(0xA, 0x10): "marks"})
    address, other = "0x" + f"{0xA:040x}", "0x" + f"{0xC:040x}"
    assert _name(f"write|{address}|10", names) == "storage: marks"
    assert _name(f"read|{address}|11", names) == "storage: other of ledger"
    assert _name(f"read|{other}|10", names) == "storage: other of other accounts"
    assert _name(f"call|{address}|b", names) == "call: registry"
    assert _name(f"call|{address}|1", names) == "signatures: ecrecover"
    assert _name("call|0x" + f"{1:040x}", names) == "signatures: ecrecover"
    assert _name(f"call|{address}|c", names) == "reading an account's code"
    assert _name(f"hash|{address}", names) == "hashing"
    assert _name(f"event|{address}", names) == "events"
    assert _name(f"code|{address}", names) == "code: ledger"
