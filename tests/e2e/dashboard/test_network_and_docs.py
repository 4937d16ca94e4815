"""Meters, journal and nodes; the description of the API; what is said when something is away; the keyboard."""

import json

from tests.support.dashboard_pages import open_page


def test_nodes_and_reports_are_those_of_the_chain(new_page):
    page = open_page(new_page(), "/network")
    page.locator("#nodes tbody tr").first.wait_for()
    last = page.request.get("/v1/reports", params={"limit": 10}).json()["items"][0]
    rows = page.locator("#nodes table").first.locator("tbody tr")
    assert rows.count() == len(last["signers"]) == 4
    signed = rows.locator(".state-good").count()
    assert signed == sum(signer["signed"] for signer in last["signers"]) >= last["threshold"]
    assert page.locator("#meters [data-sign-in]").is_visible()
    assert page.locator("#sources .state-good").count() >= 2


def test_an_owner_sees_each_meter(new_page, owner_state):
    page = open_page(new_page(state=owner_state), "/network")
    page.locator("#meters tbody tr").first.wait_for()
    assets = page.request.get("/v1/assets").json()["items"]
    assert page.locator("#meters tbody tr").count() == sum(len(asset["meters"]) for asset in assets)
    page.locator("#meters tbody a").first.click()
    page.locator('html[data-page="plant"]').wait_for()


def test_a_meter_that_is_silent_says_what_to_do(new_page, owner_state):
    page = new_page(state=owner_state)

    def silent(route):
        answer = route.fetch()
        view = answer.json()
        view["items"][0]["meters"][0]["stale"] = True
        route.fulfill(response=answer, json=view)

    page.route("**/v1/assets?*", silent)
    open_page(page, "/network")
    page.locator("#meters .state-waits", has_text="look at meter and connection").wait_for()


def test_every_operation_is_described_and_found(new_page):
    page = open_page(new_page(), "/docs")
    page.locator("details.operation").first.wait_for()
    api = page.request.get("/openapi.json").json()
    names = {each["operationId"] for item in api["paths"].values() for each in item.values() if "operationId" in each}
    assert {each.get_attribute("id") for each in page.locator("details.operation").all()} == names
    page.locator("#find").fill("retirements/{number}")
    assert 1 <= page.locator("details.operation:visible").count() < len(names)
    page.locator("#find").fill("nothing is called so")
    assert page.locator("details.operation:visible").count() == 0


def test_an_operation_that_reads_can_be_tried(new_page):
    page = open_page(new_page(), "/docs#status")
    operation = page.locator("details#status")
    operation.locator("form.try").wait_for()
    assert operation.get_attribute("open") is not None
    operation.get_by_role("button", name="Send").click()
    operation.locator(".operation-body pre", has_text='"stations"').last.wait_for()
    assert "Status 200" in operation.inner_text()


def test_a_source_that_is_away_is_said_with_since_when(new_page):
    page = new_page()

    def stale(route):
        answer = route.fetch()
        view = answer.json()
        view["sources"]["chain"].update(stale_since="2026-11-21T04:30:00Z", fault="it does not answer")
        route.fulfill(response=answer, json=view)

    page.route("**/v1/status", stale)
    open_page(page, "/network")
    page.locator(".notice", has_text="No news from the chain since 12:30").wait_for()
    page.locator("#sources .state-waits", has_text="no news since").wait_for()
    assert "it does not answer" in page.locator("#sources").inner_text()


def test_a_server_that_is_away_is_said_and_the_figures_stay(new_page):
    page = new_page()
    open_page(page, "/network")
    before = page.locator('.station[data-station="minted"] .station-count').inner_text()
    page.route("**/v1/**", lambda route: route.abort())
    page.locator(".notice-bad", has_text="The server does not answer").wait_for()
    assert page.locator('.station[data-station="minted"] .station-count').inner_text() == before
    page.unroute("**/v1/**")
    page.evaluate("document.dispatchEvent(new Event('visibilitychange'))")
    page.locator(".notice-bad").wait_for(state="detached")


def test_without_charts_the_tables_stay(new_page, owner_state):
    page = new_page(state=owner_state)
    page.route("**/vendor/echarts.js", lambda route: route.fulfill(status=404, body=""))
    open_page(page, "/")
    page.locator(".chart-tables details[open] table").nth(1).wait_for()
    assert page.locator(".chart-tables table").nth(1).locator("tbody tr").count() == 24
    assert page.get_by_text("This installation has no charts").count() == 2


def test_the_keyboard_reaches_everything_and_shows_where_it_is(new_page, owner_state):
    page = open_page(new_page(state=owner_state), "/")
    page.locator(".bar-picker").wait_for()
    page.locator("#plants tbody tr[data-asset]").first.wait_for()
    page.evaluate("document.body.focus()")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.className") == "skip"
    reached = []
    for _ in range(60):
        place = page.evaluate(
            """() => {
              const at = document.activeElement;
              const style = getComputedStyle(at);
              const box = at.getBoundingClientRect();
              return { name: at.className || at.id || at.tagName, href: at.getAttribute("href"), outline: style.outlineStyle,
                       seen: box.width > 0 && box.height > 0 };
            }"""
        )
        if place["name"] == "BODY":
            break
        assert place["outline"] != "none", f"no focus is shown on {json.dumps(place)}"
        assert place["seen"], json.dumps(place)
        reached.append(place)
        page.keyboard.press("Tab")
    names = [place["name"] for place in reached]
    assert names.count("station-link") == 6
    assert "bar-picker" in names
    assert "theme-switch" in names
    assert {"/credits", "/revenue", "/network", "/explorer", "/docs"} <= {place["href"] for place in reached}


def test_an_hour_is_chosen_with_the_arrows(new_page, owner_state):
    page = open_page(new_page(state=owner_state), "/")
    picker = page.locator(".bar-picker").first
    picker.focus()
    page.keyboard.press("Home")
    page.locator(".hour-panel h3", has_text="00:00\u2013").wait_for()
    for _ in range(9):
        page.keyboard.press("ArrowRight")
    page.locator(".hour-panel h3", has_text="09:00\u2013").wait_for()
    assert picker.get_attribute("aria-valuetext").startswith("09:00\u201310:00: ")


def test_the_skip_link_leads_to_the_content(new_page):
    page = open_page(new_page(), "/network")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.id") == "main"
