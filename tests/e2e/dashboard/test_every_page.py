"""Every page, on a phone and a wide screen, in both schemes and three languages: accessible, in its language, from this machine."""

import json
import re

import pytest

from tests.support.dashboard_pages import open_page

TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
AXE_TRIES = "Applying inline style"  # of its own, and the policy refuses it; the other tests see every page without axe
OPEN, CLOSE = "\u27e6", "\u27e7"
LETTER = re.compile(r"[A-Za-z\u4e00-\u9fff]+")
SYMBOLS = {
    "W",
    "Wh",
    "kW",
    "kWh",
    "kWp",
    "MWh",
    "g",
    "kg",
    "t",
    "CO",
    "e",
    "HK",
    "Heliograph",
    "EN",
    "GET",
    "POST",
    "PUT",
    "DELETE",
}
LANGUAGE_NAMES = {"English", "\u7e41\u9ad4\u4e2d\u6587", "\u7b80\u4f53\u4e2d\u6587", "\u7e41", "\u7b80"}
MONTHS = {
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
}
DATES = MONTHS | {month[:3] for month in MONTHS} | {"Sept", "\u5e74", "\u6708", "\u65e5"}
COMMAND = {"heliograph", "verify", "json", "trust", "anchor"}  # what the plant page says to type

SHOWN = """() => {
  const walker = document.createTreeWalker(document.documentElement, NodeFilter.SHOW_TEXT);
  const texts = [];
  while (walker.nextNode()) {
    const parent = walker.currentNode.parentElement;
    if (parent.closest("head, script, style, noscript")) continue;
    if (parent.checkVisibility({ visibilityProperty: true })) texts.push(walker.currentNode.data);
  }
  const attributes = [];
  for (const name of ["aria-label", "title", "placeholder", "alt", "aria-valuetext", "aria-description"]) {
    for (const each of document.querySelectorAll(`[${name}]`)) attributes.push(each.getAttribute(name));
  }
  return { texts, attributes };
}"""

VIOLATIONS = """async (tags) => {
  const { violations } = await axe.run(document, { runOnly: tags, resultTypes: ["violations"], preload: false });
  return violations.map(({ id, nodes }) => [id, nodes.map(({ html, failureSummary }) => [html, failureSummary])]);
}"""

WIDE = """() => [...document.querySelectorAll("body *")]
  .filter((each) => each.getBoundingClientRect().right > innerWidth + 1 && !each.closest(".table-frame, pre, nav"))
  .slice(0, 5).map((each) => each.outerHTML.slice(0, 200))"""


@pytest.fixture(scope="session")
def axe(require, repository):
    """The source of axe-core, from the packages that the dashboard's lock file pins."""
    path = repository / "api/dashboard/bundle/node_modules/axe-core/axe.min.js"
    require("axe-core", path.is_file(), "make assets")
    return path.read_text(encoding="utf-8")


pytestmark = pytest.mark.usefixtures("retired")


def paths(page):
    """Every page there is, with a plant, a token and a certificate that exist."""
    get = lambda path: page.request.get(path).json()["items"]  # noqa: E731
    (plant, *_) = get("/v1/assets")
    tokens, retirements = get("/v1/tokens"), get("/v1/retirements")
    yield from ("/", f"/plants/{plant['asset_id']}", "/credits", "/revenue", "/network", "/explorer", "/docs")
    yield f"/explorer/{tokens[0]['credit_id']}"
    yield f"/certificates/{retirements[0]['number']}"


def settle(page):
    """Wait until nothing is asked for and nothing moves."""
    page.wait_for_function("() => document.getAnimations().length === 0")
    page.wait_for_function(
        "() => !document.querySelector('.chart-canvas') || document.querySelector('.chart-canvas svg path')"
    )


@pytest.mark.parametrize("language", ["en", "zh-Hant", "zh-Hans"])
@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", ["phone", "wide"])
def test_axe_finds_nothing(new_page, owner_state, heard, axe, width, scheme, language):
    page = new_page(width, scheme, language, owner_state)
    found = {}
    for path in paths(page):
        open_page(page, path)
        page.wait_for_timeout(700)
        settle(page)
        page.evaluate(axe)
        found |= {(path, rule): nodes for rule, nodes in page.evaluate(VIOLATIONS, TAGS)}
        if not page.evaluate("document.documentElement.scrollWidth <= innerWidth"):
            found[path, "wider than the screen"] = page.evaluate(WIDE)
    page.wait_for_timeout(300)
    heard.complaints[:] = [each for each in heard.complaints if AXE_TRIES not in each]
    assert not found, "\n".join(f"{path}: {rule}: {json.dumps(nodes)}" for (path, rule), nodes in found.items())


@pytest.mark.parametrize("language", ["en", "zh-Hant"])
def test_the_page_where_nothing_is_is_like_the_others(new_page, heard, axe, language):
    page = new_page("phone", "dark", language)
    assert page.goto("/no-such-page").status == 404
    page.locator(".station[data-state=good]").first.wait_for()
    assert page.locator("h1").inner_text() == {"en": "There is nothing here", "zh-Hant": "這裏沒有內容"}[language]
    settle(page)
    page.evaluate(axe)
    assert page.evaluate(VIOLATIONS, TAGS) == []
    heard.complaints[:] = [each for each in heard.complaints if AXE_TRIES not in each and "/no-such-page" not in each]


def test_axe_would_find_something(new_page, heard, axe):
    page = open_page(new_page(), "/")
    page.evaluate(
        "document.querySelector('h1').insertAdjacentHTML('afterend', '<img src=\"/favicon.ico\"><button></button>')"
    )
    page.evaluate(axe)
    found = page.evaluate(
        "tags => axe.run(document, { runOnly: tags, preload: false }).then(({ violations }) => violations.map(({ id }) => id))",
        TAGS,
    )
    assert {"image-alt", "button-name"} <= set(found)
    page.wait_for_timeout(300)
    heard.complaints.clear()


def marked(route):
    """Put every text between brackets, so that what is not a text of the word files stands out."""
    answer = route.fetch()
    wrap = lambda text: f"{OPEN}{text}{CLOSE}"  # noqa: E731
    texts = {
        key: wrap(text) if isinstance(text, str) else {form: wrap(each) for form, each in text.items()}
        for key, text in answer.json().items()
    }
    route.fulfill(response=answer, body=json.dumps(texts))


def unbracketed(texts):
    """What stands outside brackets; they may span several nodes."""
    depth, outside = 0, []
    for text in texts:
        kept = []
        for letter in text:
            depth += (letter == OPEN) - (letter == CLOSE)
            if depth == 0 and letter != CLOSE:
                kept.append(letter)
        outside.append("".join(kept))
        assert depth >= 0
    assert depth == 0
    return outside


def plain(text):
    return re.sub(r"[^a-z0-9\u4e00-\u9fff]", "", text.lower())


def strings_of(document):
    if isinstance(document, str):
        yield document
    elif isinstance(document, dict):
        for key, each in document.items():
            yield key
            yield from strings_of(each)
    elif isinstance(document, list):
        for each in document:
            yield from strings_of(each)


def hard_coded(page, path):
    """Words on a page that are neither of the word files nor of the API's answers nor symbols."""
    answered = []
    note = lambda answer: answered.append(answer) if "/v1/" in answer.url or "openapi" in answer.url else None  # noqa: E731
    page.on("response", note)
    open_page(page, path)
    page.wait_for_timeout(1500)
    page.remove_listener("response", note)
    known = {plain(path), *(plain(each) for each in COMMAND)}
    for answer in answered:
        if answer.ok and "json" in answer.headers.get("content-type", ""):
            known |= {plain(text) for text in strings_of(answer.json())}
    told = "\n".join(known)
    shown = page.evaluate(SHOWN)
    outside = unbracketed(shown["texts"]) + [text for each in shown["attributes"] for text in unbracketed([each])]
    words = {word for text in outside for word in LETTER.findall(text)}
    return {word for word in words - SYMBOLS - DATES - LANGUAGE_NAMES if plain(word) not in told}


@pytest.mark.parametrize("signed_in", [True, False])
@pytest.mark.parametrize("language", ["en", "zh-Hant"])
def test_no_visible_word_is_hard_coded(new_page, owner_state, signed_in, language):
    state = owner_state if signed_in else None
    known = list(paths(new_page("wide", "light", language, owner_state)))
    page = new_page("wide", "light", language, state)
    page.route("**/assets/*/words/*.json", marked)
    for path in known:
        assert hard_coded(page, path) == set(), path


def test_a_hard_coded_word_would_be_found(new_page):
    page = new_page()
    page.route("**/assets/*/words/*.json", marked)
    page.add_init_script("addEventListener('load', () => document.querySelector('main').append('Kilroy was here'))")
    assert "Kilroy" in hard_coded(page, "/network")


def test_the_server_sends_the_words_of_the_language(new_page):
    titles = {"en": "Network", "zh-Hant": "\u7db2\u7d61", "zh-Hans": "\u7f51\u7edc"}
    for language, title in titles.items():
        page = new_page(language=language)
        assert f"<title>{title} · Heliograph</title>" in page.request.get("/network").text()


def test_the_switches_change_language_and_scheme_and_are_remembered(new_page):
    page = open_page(new_page(), "/network")
    page.locator('[data-language="zh-Hant"]').click()
    page.locator('html[lang="zh-Hant"][data-ready]').wait_for()
    assert page.locator("h1").inner_text() == "\u7db2\u7d61"
    light = page.evaluate(
        "getComputedStyle(document.body).backgroundColor + getComputedStyle(document.documentElement).backgroundColor"
    )
    page.locator("#theme-switch").click()
    assert page.locator("html").get_attribute("data-theme") == "dark"
    dark = page.evaluate(
        "getComputedStyle(document.body).backgroundColor + getComputedStyle(document.documentElement).backgroundColor"
    )
    assert dark != light
    page.reload()
    assert page.locator("html").get_attribute("data-theme") == "dark"
    assert page.locator("html").get_attribute("lang") == "zh-Hant"
