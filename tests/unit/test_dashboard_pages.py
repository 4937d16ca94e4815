"""The dashboard as it is served: languages, themes, what browsers keep, and that nothing comes from elsewhere."""

import gzip
import re
from contextlib import contextmanager
from html.parser import HTMLParser
from types import SimpleNamespace

import httpx
import pytest
from fastapi import FastAPI

from api.dashboard.files import read_files
from api.dashboard.pages import FOLDER, PAGES, pages_of
from api.http.problems import install_problems
from api.server import serve

ADDRESSES = [
    "/",
    "/plants/roof-1",
    "/credits",
    "/revenue",
    "/network",
    "/explorer",
    "/explorer/7",
    "/certificates/1",
    "/docs",
]
FOREIGN = re.compile(r"(?:https?:)?//(?!www\.w3\.org/)[a-z0-9.-]+\.[a-z]{2,}")


@contextmanager
def site(demo=None):
    app = FastAPI(openapi_url=None)
    install_problems(app)
    pages = pages_of(SimpleNamespace(demo=demo))
    app.include_router(pages.router)
    app.router.default = pages.before(app.router.default)
    with serve(app, 0) as address, httpx.Client(base_url=address, headers={"accept-language": "en"}) as client:
        yield client


@pytest.fixture(scope="module")
def client():
    with site() as client:
        yield client


def chosen(**cookies):
    return {"cookie": "; ".join(f"heliograph_{name}={value}" for name, value in cookies.items())}


class Elements(HTMLParser):
    """Every start tag with its attributes, and what stands in script and style."""

    def __init__(self):
        super().__init__()
        self.tags, self.inline, self._inside = [], [], None

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))
        self._inside = tag if tag in {"script", "style"} else None

    def handle_endtag(self, tag):
        if tag == self._inside:
            self._inside = None

    def handle_data(self, data):
        if self._inside and data.strip():
            self.inline.append(data)


def elements(text):
    parser = Elements()
    parser.feed(text)
    return parser


BROWSER = {"accept": "text/html,application/xhtml+xml,*/*;q=0.8"}


@pytest.mark.parametrize(("language", "title"), [("en", "There is nothing here"), ("zh-Hans", "这里没有内容")])
def test_where_nothing_is_people_see_a_page_that_says_so(client, language, title):
    answer = client.get("/no-such-page", headers=chosen(language=language) | BROWSER)
    assert (answer.status_code, answer.headers["content-language"]) == (404, language)
    assert f"<title>{title} · Heliograph</title>" in answer.text
    again = client.get("/no-such-page", headers=BROWSER | {"if-none-match": answer.headers["etag"]})
    assert again.status_code == 404


@pytest.mark.parametrize(
    ("method", "path", "accept"),
    [
        ("GET", "/no-such-page", "*/*"),
        ("GET", "/v1/nothing", BROWSER["accept"]),
        ("POST", "/nothing", BROWSER["accept"]),
    ],
)
def test_where_nothing_is_programs_read_a_problem(client, method, path, accept):
    answer = client.request(method, path, headers={"accept": accept})
    assert (answer.status_code, answer.headers["content-type"]) == (404, "application/problem+json")


@pytest.mark.parametrize("address", ADDRESSES)
@pytest.mark.parametrize("language", ["en", "zh-Hant", "zh-Hans"])
def test_a_page_comes_in_its_language_with_all_its_words(client, address, language):
    answer = client.get(address, headers=chosen(language=language))
    assert answer.status_code == 200
    assert answer.headers["content-language"] == language
    assert f'<html lang="{language}"' in answer.text
    for key in re.findall(r'data-t(?:-label)?="([^"]+)"', answer.text):
        assert f">{key}<" not in answer.text
    assert "{{" not in answer.text


@pytest.mark.parametrize("address", ADDRESSES)
def test_a_page_loads_what_is_there_and_only_from_here(client, address):
    page = elements(client.get(address).text)
    assert page.inline == []
    loaded = [attrs.get("src") or attrs.get("href") for tag, attrs in page.tags if tag in {"script", "link", "img"}]
    assert len(loaded) >= 6
    for each in loaded:
        assert client.get(each).status_code == 200, each
    for _, attrs in page.tags:
        assert not any(name == "style" or name.startswith("on") for name in attrs)


def test_no_file_of_ours_names_another_server():
    for folder in ("pages", "scripts", "styles", "words"):
        for path in (FOLDER / folder).iterdir():
            assert FOREIGN.findall(path.read_text(encoding="utf-8")) == [], path.name


def test_styles_write_no_words():
    for path in (FOLDER / "styles").glob("*.css"):
        for content in re.findall(r"(?<![a-z-])content:\s*([^;]+);", path.read_text(encoding="utf-8")):
            bare = re.sub(r"attr\([a-z-]+\)|counter\([a-z-]+\)", "", content)
            assert not re.search(r"[A-Za-z\u4e00-\u9fff]", bare.replace("none", "")), path.name


def test_the_policy_forbids_inline_scripts_and_styles(client):
    policy = client.get("/").headers["content-security-policy"]
    assert "script-src 'self'" in policy
    assert "style-src 'self'" in policy
    assert "unsafe" not in policy


@pytest.mark.parametrize(
    ("cookie", "expected"), [("dark", ' data-theme="dark"'), ("light", ' data-theme="light"'), ("x", "")]
)
def test_the_chosen_theme_comes_with_the_page(client, cookie, expected):
    text = client.get("/", headers=chosen(theme=cookie)).text
    assert f'<html lang="en"{expected} data-page="portfolio">' in text


def test_the_section_of_a_page_is_marked(client):
    text = client.get("/plants/roof-1").text
    assert 'data-section="portfolio" aria-current="page"' in text
    assert text.count("aria-current") == 1


def test_what_carries_the_release_in_its_address_is_kept_for_ever(client):
    files = read_files(FOLDER)
    kept = client.get(files.address("scripts/page.js"))
    assert "immutable" in kept.headers["cache-control"]
    assert kept.headers["content-type"] == "text/javascript; charset=utf-8"
    old = client.get("/assets/0000000000000000/scripts/page.js")
    assert old.status_code == 200
    assert old.headers["cache-control"] == "no-cache"
    assert old.content == kept.content


def test_what_has_not_changed_is_not_sent_again(client):
    for address in ("/", read_files(FOLDER).address("styles/base.css")):
        first = client.get(address)
        again = client.get(address, headers={"if-none-match": first.headers["etag"]})
        assert (again.status_code, again.content) == (304, b"")
        other = client.get(address, headers={"if-none-match": '"another"'})
        assert other.status_code == 200


def test_files_are_compressed_for_those_who_take_it(client):
    address = read_files(FOLDER).address("styles/base.css")
    plain = client.get(address, headers={"accept-encoding": "identity"})
    with client.stream("GET", address, headers={"accept-encoding": "gzip"}) as answer:
        raw = b"".join(answer.iter_raw())
        assert answer.headers["content-encoding"] == "gzip"
        assert answer.headers["etag"] != plain.headers["etag"]
    assert gzip.decompress(raw) == plain.content
    assert len(raw) < len(plain.content) / 2


@pytest.mark.parametrize("path", ["scripts/none.js", "pages/frame.html", "%2e%2e/pages.py", "bundle/package.json"])
def test_only_what_pages_load_is_served(client, path):
    assert client.get(f"/assets/{read_files(FOLDER).release}/{path}").status_code == 404


def test_the_demo_wallet_is_loaded_in_the_demo_only(client):
    assert "demo-wallet" not in client.get("/").text
    assert "data-demo" not in client.get("/").text
    with site(SimpleNamespace(scripts=lambda: ("/demo/demo-wallet.js",))) as demo:
        text = demo.get("/").text
    assert '<script type="module" src="/demo/demo-wallet.js"></script>' in text
    assert ' data-demo=""' in text


def test_every_page_is_there():
    for page in PAGES:
        assert (FOLDER / "pages" / f"{page.name}.html").is_file()
        assert (FOLDER / "scripts" / f"{page.name}.js").is_file()
