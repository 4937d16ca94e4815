"""One plant: its day, its accounts, its meters, what the registry says, its proof."""

import re
import subprocess
import sys

import pytest

from devices.plant_sites import default_sites
from tests.support.dashboard_pages import open_page

THIN = re.compile(r"[\u2009\u202f]")


@pytest.fixture
def plant(new_page, owner_state):
    """A page of the owner's first plant, and the plant."""
    page = new_page(state=owner_state)
    asset = page.request.get("/v1/assets").json()["items"][0]
    open_page(page, f"/plants/{asset['asset_id']}")
    page.locator("#meters tbody tr").first.wait_for()
    return page, asset


def test_it_shows_what_the_registry_and_the_meters_say(plant):
    page, asset = plant
    assert page.locator("h1").inner_text() == asset["asset_id"].replace("-", " ").capitalize()
    facts = THIN.sub("", page.locator("#registry").inner_text())
    assert asset["asset_id"] in facts
    assert asset["project_id"] in facts
    assert f"{asset['nameplate_w'] // 1000}kWp" in facts
    assert f"{asset['beneficiary'][:6]}\u2026{asset['beneficiary'][-4:]}" in facts
    meters = page.locator("#meters tbody tr")
    assert meters.count() == len(asset["meters"])
    assert asset["meters"][0]["meter_id"] in meters.first.inner_text()
    assert "reporting" in meters.first.inner_text()
    page.locator('.station[data-station="minted"] .station-count:not(:empty)').wait_for()
    assert page.locator(".strip-scope").is_hidden()  # what the way counts is this plant's


def test_every_day_since_commissioning_can_be_chosen(plant):
    page, _ = plant
    day = page.locator(".day-input")
    today = day.input_value()
    page.locator("#energy .chart-power svg path").first.wait_for(state="attached")
    page.get_by_role("button", name="Day before").click()
    page.wait_for_function("before => document.querySelector('.day-input').value < before", arg=today)
    yesterday = day.input_value()
    day_number = int(yesterday[-2:])
    page.locator("#energy h2", has_text=f"Power on {day_number} ").wait_for()
    page.locator("#energy .bar-picker").evaluate(
        "(picker) => { picker.value = 12; picker.dispatchEvent(new Event('input')); }"
    )
    page.locator(".hour-panel h3", has_text="12:00\u201313:00").wait_for()
    assert "attested" in page.locator(".hour-panel").inner_text()
    page.get_by_role("button", name="Day after").click()
    page.wait_for_function("today => document.querySelector('.day-input').value === today", arg=today)


def test_a_day_chosen_among_the_last_thirty_is_shown_above(plant):
    page, _ = plant
    picker = page.locator("#days .bar-picker")
    picker.wait_for()
    today = page.locator(".day-input").input_value()
    picker.evaluate("(picker) => { picker.value = picker.max - 1; picker.dispatchEvent(new Event('input')); }")
    page.wait_for_function("today => document.querySelector('.day-input').value < today", arg=today)


def test_the_bars_of_the_day_add_up_to_its_table(plant):
    page, asset = plant
    page.get_by_role("button", name="Day before").click()
    page.wait_for_timeout(1500)
    day = page.locator(".day-input").input_value()
    hours = page.request.get(f"/v1/assets/{asset['asset_id']}/power", params={"day": day}).json()["hours"]
    page.locator("#energy .chart-tables summary").nth(1).click()
    cells = page.locator("#energy .chart-tables details").nth(1).locator("tbody tr td:nth-child(2) .figure")
    titles = [THIN.sub("", title) for title in cells.evaluate_all("all => all.map((each) => each.title)")]
    exact = [int(title.removesuffix("Wh").replace("\u2212", "-")) for title in titles]
    assert exact == [hour["attested_wh"] for hour in hours]
    assert sum(exact) > 0


def test_the_proof_it_hands_out_holds(plant, repository, tmp_path):
    page, asset = plant
    files = []
    page.get_by_text("Check it elsewhere").click()
    for name in ("Download the proof", "Download this server\u2019s anchor"):
        with page.expect_download() as waiting:
            page.get_by_role("link", name=name).click()
        files.append(tmp_path / waiting.value.suggested_filename)
        waiting.value.save_as(files[-1])
    assert [file.name for file in files] == [f"{asset['asset_id']}.json", "anchor.json"]
    proof, anchor = files
    run = subprocess.run(
        [sys.executable, "-m", "api.cli", "verify", proof, "--trust", anchor],
        capture_output=True, text=True, cwd=repository, timeout=120, check=False, stdin=subprocess.DEVNULL,
    )  # fmt: skip
    assert run.returncode == 0, run.stdout + run.stderr
    assert asset["asset_id"] in page.locator("#proof code").inner_text()


def test_the_same_proof_holds_in_the_page(plant):
    page, _ = plant
    page.get_by_role("button", name="Run the proof here").click()
    page.locator("[data-verdict]").wait_for(timeout=60_000)
    assert page.locator("[data-verdict=holds]").count() == 1, page.locator("[data-verdict]").inner_text()
    steps = [
        (step.get_attribute("data-step"), step.get_attribute("data-state")) for step in page.locator(".step").all()
    ]
    assert {"quorum", "registry", "envelopes", "settlement", "anchor"} <= {step for step, _ in steps}
    assert {state for _, state in steps} == {"held"}


def test_evidence_is_withdrawn_and_released(plant):
    page, asset = plant
    stands = page.locator("#proof .release [role=status]")
    for now, name, then in (
        ("true", "Withdraw it", "Not released"),
        ("false", "Release the evidence", "Released since"),
    ):
        page.locator(f"#proof [data-released={now}]").wait_for()
        page.get_by_role("button", name=name).click()
        page.locator("#proof [role=status]", has_text=then).wait_for()
        assert page.request.get(f"/v1/assets/{asset['asset_id']}/release").json()["released"] is (now == "false")
    page.reload()
    page.locator("#proof [data-released=true]").wait_for()
    assert stands.inner_text().startswith("Released since")


def test_another_owners_plant_looks_like_none(new_page, owner_state):
    page = new_page(state=owner_state)
    mine = {asset["asset_id"] for asset in page.request.get("/v1/assets").json()["items"]}
    others = {site.name for site in default_sites(4)} - mine
    assert others, "the demo's plants have several owners"
    said = []
    for asset_id in (others.pop(), "no-such-plant"):
        page.goto(f"/plants/{asset_id}")
        page.locator("#absent p").first.wait_for()
        said.append(page.locator("#absent").inner_text())
        assert page.locator("#figures").is_hidden()
        page.locator(".strip-scope", has_text="the whole network").wait_for()
    assert said[0] == said[1]
