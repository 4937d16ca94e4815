import pytest
from fastapi import FastAPI, Request

from api.http.answers import Kept, has_already, ready, send
from api.http.head import Head


@pytest.fixture
def client(ask):
    app = FastAPI(openapi_url=None)

    @app.get("/figure")
    async def figure(request: Request):
        return send(request, ready(b'{"wh": 7890}'))

    @app.post("/figure")
    async def post(request: Request):
        return request.method

    app.add_middleware(Head)
    return ask(app)


def test_who_has_it_already_gets_304_and_no_body(client):
    first = client("GET", "/figure")
    assert first.json() == {"wh": 7890}
    assert first.headers["etag"].startswith('"')
    assert first.headers["cache-control"] == "private, no-cache"
    assert first.headers["vary"] == "Accept, Authorization, Cookie"
    again = client("GET", "/figure", headers={"if-none-match": first.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")
    assert again.headers["etag"] == first.headers["etag"]
    other = client("GET", "/figure", headers={"if-none-match": '"another"'})
    assert other.status_code == 200


@pytest.mark.parametrize(
    ("header", "has"),
    [
        (None, False), ('"a"', True), ('W/"a"', True), ('"b", "a"', True), ('"b"', False), ("*", True), ("a", False),
        ('"aa"', False), ("", False),
    ],
)  # fmt: skip
def test_if_none_match(header, has):
    assert has_already(header, '"a"') is has


def test_head_is_get_without_a_body(client):
    got, head = client("GET", "/figure"), client("HEAD", "/figure")
    assert (head.status_code, head.content) == (200, b"")
    assert head.headers["content-length"] == got.headers["content-length"] == "12"
    assert head.headers["etag"] == got.headers["etag"]


def test_other_bytes_have_another_tag():
    assert ready(b"a").tag != ready(b"b").tag
    assert ready(b"a") == ready(b"a")


def test_what_is_kept_is_made_once_for_each_version():
    version, made = [1], []

    def make():
        made.append(version[0])
        return ready(b"%d" % version[0])

    kept = Kept(lambda: version[0])
    assert kept.get("k", make).body == kept.get("k", make).body == b"1"
    assert kept.get("other", make).body == b"1"
    version[0] = 2
    assert kept.get("k", make).body == b"2"
    assert made == [1, 1, 2]


def test_the_least_recently_asked_go_when_the_room_is_full():
    kept = Kept(lambda: 0, limit_bytes=20)
    made = []

    def make(name):
        made.append(name)
        return ready(b"8 bytes!")

    for name in ("a", "b", "a", "c", "a", "b"):
        kept.get(name, lambda name=name: make(name))
    assert made == ["a", "b", "c", "b"]


def test_what_fails_is_not_kept():
    kept = Kept(lambda: 0)
    with pytest.raises(ZeroDivisionError):
        kept.get("k", lambda: 1 // 0)
    assert kept.get("k", lambda: ready(b"now")).body == b"now"
