"""Dialogs of the owner's pages and a proof that has run, on a phone: accessible, kept by the keyboard, and closed without effect."""

import pytest

from tests.support.dashboard_pages import open_page

TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
VIOLATIONS = """async (tags) => {
  const { violations } = await axe.run(document, { runOnly: tags, resultTypes: ["violations"] });
  return violations.map(({ id, nodes }) => [id, nodes.map(({ html }) => html)]);
}"""
INLINE = "Applying inline style"  # axe tries it while it looks at overlays, and the policy refuses


@pytest.fixture(name="violations")
def violations_fixture(require, repository, heard):
    """What axe-core finds on a page as it stands."""
    path = repository / "api/dashboard/bundle/node_modules/axe-core/axe.min.js"
    require("axe-core", path.is_file(), "make assets")

    def look(page):
        page.wait_for_function(
            "document.getAnimations().every((one) => one.effect.getTiming().iterations === Infinity)"
        )
        page.evaluate(path.read_text(encoding="utf-8"))
        found = page.evaluate(VIOLATIONS, TAGS)
        heard.complaints[:] = [each for each in heard.complaints if INLINE not in each]
        return found

    yield look
    heard.complaints[:] = [each for each in heard.complaints if INLINE not in each]


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_signing_in(new_page, violations, scheme):
    page = open_page(new_page("phone", scheme, "zh-Hant"), "/credits")
    page.locator("main [data-sign-in]").click()
    page.locator(".wallet").wait_for()
    assert violations(page) == []
    assert page.evaluate("document.activeElement.matches('.wallet')")
    page.keyboard.press("Escape")
    page.locator("dialog").wait_for(state="detached")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_retiring_is_reviewed_and_can_be_left(new_page, owner_state, violations, scheme):
    page = open_page(new_page("phone", scheme, "en", owner_state), "/credits")
    before = page.request.get("/v1/retirements").json()["items"]
    page.locator("[data-retire]").first.click()
    page.locator("#retire-amount").wait_for()
    assert violations(page) == []
    for amount, unit in (("0", "kg"), ("1.0001", "kg"), ("ten", "kg"), ("0.5", "g"), ("999999", "t")):
        page.locator("#retire-amount").fill(amount)
        page.locator("form.retire select").select_option(unit)
        page.locator("form.retire [type=submit]").click()
        page.locator('.dialog-says[data-state="failed"]').wait_for()
    assert violations(page) == []
    page.locator("#retire-amount").fill("1")
    page.locator("form.retire select").select_option("g")
    page.locator("#retire-name").fill("Somebody")
    page.locator("#retire-sealed").check()
    page.locator("form.retire [type=submit]").click()
    page.locator("[data-confirm]").wait_for()
    assert page.evaluate("document.activeElement.matches('[data-confirm]')")
    assert violations(page) == []
    with page.expect_download() as download:
        page.locator(".salt a").click()
    assert '"name": "Somebody"' in download.value.path().read_text(encoding="utf-8")
    page.keyboard.press("Escape")
    page.locator("dialog").wait_for(state="detached")
    assert page.request.get("/v1/retirements").json()["items"] == before


@pytest.mark.usefixtures("retired")
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_proof_that_has_run(new_page, owner_state, violations, scheme):
    page = open_page(new_page("phone", scheme, "zh-Hans", owner_state), "/explorer")
    retirements = page.request.get("/v1/retirements").json()["items"]
    open_page(page, f"/certificates/{retirements[0]['number']}")
    page.locator("[data-prove]").click()
    page.locator("[data-verdict]").wait_for()
    assert violations(page) == []


def test_what_does_not_exist_says_so(new_page):
    page = new_page()
    for path in ("/certificates/999999", "/explorer/1", "/certificates/none"):
        page.goto(path)
        page.locator("html[data-ready]").wait_for()
        assert page.locator("main h1").is_visible()
        assert page.locator('main a[href^="/explorer"]').is_visible()
