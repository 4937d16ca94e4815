"""What an owner sees first: power, energy, credits, revenue, and what is held back with its reason."""

import json
import re

from tests.support.dashboard_pages import open_page, sign_in

THIN = re.compile(r"[\u2009\u202f]")
DRAWN = """canvas => [...canvas.querySelectorAll("path")].map((path) => {
  const { width, height } = path.getBBox();
  return { width, height, dash: path.getAttribute("stroke-dasharray"), fill: path.getAttribute("fill") };
})"""


def scaled(whole, shift, decimals):
    cut = abs(whole) // 10 ** (shift - decimals)
    return f"{cut // 10**decimals}.{cut % 10**decimals:0{decimals}d}"


def steady(page, read_figures):
    """Figures and page as they stood at one moment: the demo goes on, so both are read until nothing changed between."""
    for _ in range(20):
        before = read_figures()
        page.wait_for_timeout(400)
        page.reload()
        page.locator("#plants tbody tr[data-asset]").first.wait_for()
        shown = page.locator("#figures").inner_text(), page.locator("#plants").inner_text()
        if read_figures() == before:
            return before, [THIN.sub("", text) for text in shown]
    raise AssertionError("the figures never stood still")


def test_a_visitor_sees_the_way_of_a_watt_hour_and_may_sign_in(new_page):
    page = open_page(new_page(), "/")
    assert page.locator(".station").count() == 6
    assert page.locator("#plants").is_hidden()
    assert page.locator("[data-sign-in]").count() >= 1
    sign_in(page)
    page.locator("#plants tbody tr[data-asset]").first.wait_for()
    page.locator("#session button").click()
    page.locator("#welcome .hero").wait_for()
    assert page.locator("#plants").is_hidden()


def test_figures_are_those_of_the_api(new_page, owner_state):
    page = open_page(new_page(state=owner_state), "/")

    def figures():
        view = page.request.get("/v1/portfolio").json()
        return {key: view[key] for key in ("power_w", "today_wh", "credits", "month", "held_back")} | {
            "assets": [(a["asset_id"], a["nameplate_w"], a["power_w"], a["today_wh"]) for a in view["assets"]]
        }

    view, (card, table) = steady(page, figures)
    assert f"{scaled(view['today_wh'], 3, 1)}kWh attested" in card
    assert f"{scaled(view['power_w'], 3, 1)}kW" in card
    assert f"HK${scaled(view['month']['attested_minor'], 6, 2)}" in card
    for each in view["credits"]:
        assert f"{scaled(each['credits_g'], 6, 3)}t CO\u2082e" in card
    assert page.locator("#plants tbody tr[data-asset]").count() == len(view["assets"])
    for asset_id, nameplate_w, power_w, today_wh in view["assets"]:
        assert asset_id.replace("-", " ").capitalize() in table
        assert f"{nameplate_w // 1000}kWp" in table
        assert scaled(power_w, 3, 1) in table
        assert scaled(today_wh, 3, 1) in table


def test_what_is_held_back_is_said_in_plain_words(new_page, owner_state, repository):
    reasons = json.loads((repository / "api/dashboard/words/reasons.en.json").read_text())
    page = open_page(new_page(state=owner_state), "/")
    held = page.request.get("/v1/portfolio").json()["held_back"]
    assert held, "the demo shows a fault"
    for each in held:
        row = page.locator(f'#plants tr[data-asset="{each["asset_id"]}"] .held')
        row.get_by_text(reasons[f"reasons.{each['reason']}.short"]).first.wait_for()
        assert each["reason"].upper() not in row.inner_text()


def test_a_chosen_hour_says_why_and_what_to_do(new_page, owner_state):
    page = open_page(new_page(state=owner_state), "/")
    page.locator(".bar-picker").wait_for()
    hours = page.request.get("/v1/portfolio").json()["power"]["hours"]
    held = [index for index, hour in enumerate(hours) if hour["withheld_wh"] + hour["disputed_wh"] > 0]
    choose(page, held[-1] if held else len(hours) - 1)
    panel = page.locator(".hour-panel")
    if held:
        panel.locator(".reason").first.wait_for()
        assert "What to do:" in panel.inner_text()
        panel.locator(".reason summary").first.click()
        assert panel.locator(".reason code").first.is_visible()
    choose(page, 23)
    panel.get_by_text("Not yet").wait_for()
    assert panel.locator(".reason").count() == 0


def choose(page, hour):
    page.locator(".bar-picker").first.evaluate(
        "(picker, hour) => { picker.value = hour; picker.dispatchEvent(new Event('input')); }", hour
    )


def test_a_click_on_a_bar_chooses_its_hour(new_page, owner_state):
    page = open_page(new_page(state=owner_state), "/")
    picker = page.locator(".bar-picker").first
    picker.wait_for()
    box = picker.bounding_box()
    for hour in (0, 9, 11, 23):
        picker.click(position={"x": box["width"] * (hour + 0.5) / 24, "y": box["height"] / 2})
        page.locator(".hour-panel h3", has_text=f"{hour:02d}:00\u2013").wait_for()


def test_zero_no_data_and_not_yet_look_different(new_page, owner_state):
    page = new_page(state=owner_state)

    def three(route):
        answer = route.fetch()
        view = answer.json()
        for hour in view["power"]["hours"]:
            hour.update(attested_wh=5000, withheld_wh=0, disputed_wh=0, reasons=[])
        view["power"]["hours"] = view["power"]["hours"][:8]
        view["power"]["hours"][3]["attested_wh"] = 0
        view["power"]["hours"][5]["attested_wh"] = None
        route.fulfill(response=answer, json=view)

    page.route("**/v1/portfolio", three)
    open_page(page, "/")
    page.locator(".chart-bars svg path").first.wait_for(state="attached")
    page.locator(".chart-tables summary").nth(1).click()
    rows = page.locator(".chart-tables details").nth(1).locator("tbody tr")
    said = [THIN.sub("", row.locator("td").first.inner_text()) for row in (rows.nth(3), rows.nth(5), rows.nth(12))]
    assert said == ["0.0kWh", "no data", "not yet"]
    for hour, words in ((3, "Zero"), (5, "No data"), (12, "Not yet")):
        choose(page, hour)
        page.locator(".hour-panel p", has_text=words).wait_for()
    drawn = page.locator(".chart-bars .chart-canvas").evaluate(DRAWN)
    dotted = [shape for shape in drawn if shape["dash"] and shape["height"] < 1]
    lines = [
        shape
        for shape in drawn
        if not shape["dash"] and 0 < shape["height"] <= 1 and shape["fill"] not in (None, "none")
    ]
    bars = [shape for shape in drawn if shape["height"] > 20 and 4 < shape["width"] < 40 and not shape["dash"]]
    assert (len(dotted), len(lines)) == (1, 1)
    assert len(bars) >= 6
    assert "no data" in page.locator(".legend").nth(1).inner_text()


def test_a_figure_that_changed_glows_and_only_where_motion_is_wanted(new_page, owner_state):
    for motion, moves in (("no-preference", True), ("reduce", False)):
        page = new_page(state=owner_state)
        page.emulate_media(reduced_motion=motion)
        open_page(page, "/")
        glow = page.evaluate(
            """async () => {
              const { update } = await import(document.querySelector('script[src*="scripts/"]').src.replace(/[^/]*$/, "elements.js"));
              const place = document.querySelector(".station-count");
              update(place, "1"); update(place, "2");
              return getComputedStyle(place).animationName;
            }"""
        )
        assert (glow != "none") is moves
