from datetime import UTC, datetime, timedelta, timezone

import pytest
from fastapi import FastAPI
from hypothesis import given
from hypothesis import strategies as st

from api.http.parameters import LATEST_MS, AssetId, Day, Number, Since, _read_instant
from api.http.problems import install_problems


@pytest.fixture
def client(ask):
    app = FastAPI(openapi_url=None)
    install_problems(app)

    @app.get("/instant")
    async def instant(since: Since):
        return since

    @app.get("/day")
    async def day(day: Day):
        return day

    @app.get("/asset/{asset_id}")
    async def asset(asset_id: AssetId):
        return asset_id

    @app.get("/number/{number}")
    async def numbered(number: Number):
        return number

    return ask(app)


@pytest.mark.parametrize(
    ("text", "ms"),
    [
        ("1970-01-01T00:00:00Z", 0),
        ("2026-11-01T08:00:00+08:00", 1_793_491_200_000),
        ("2026-11-01T00:00:00.1239Z", 1_793_491_200_123),
        ("2026-11-01t00:00:00z", 1_793_491_200_000),
        ("2016-12-31T23:59:60Z", 1_483_228_799_000),
        ("0001-01-01T00:00:00Z", 0),
        ("0001-01-01T00:00:00+14:00", 0),
        ("9999-12-31T23:59:59-12:00", LATEST_MS),
    ],
)
def test_instants_however_far_out(client, text, ms):
    assert client("GET", "/instant", params={"from": text}).json() == ms


@pytest.mark.parametrize(
    "text",
    ["", "0", "1793491200", "2026-11-01", "2026-11-01T00:00:00", "2026-11-01T00:00Z", "20261101T000000Z", "2026-02-30T00:00:00Z",
     "2026-W01-1T00:00:00Z", "2026-11-01T00:00:00+24:00", "\uff12\uff10\uff12\uff16-11-01T00:00:00Z", "2026-11-01T00:00:00Z\x00", "now"],
)  # fmt: skip
def test_what_is_no_instant_is_refused(client, text):
    answer = client("GET", "/instant", params={"from": text})
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["where"] == "query.from"


@given(
    st.datetimes(min_value=datetime(1970, 1, 3), max_value=datetime(9999, 12, 28)),  # noqa: DTZ001  the zone is drawn
    st.integers(-23 * 60, 23 * 60),
)
def test_every_instant_is_read_to_the_millisecond(naive, minutes):
    instant = naive.replace(tzinfo=timezone(timedelta(minutes=minutes)))
    expected = (instant - datetime.fromtimestamp(0, UTC)) // timedelta(milliseconds=1)
    assert _read_instant(instant.isoformat("T", "microseconds")) == expected


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/day?day=2026-11-01", 200), ("/day?day=0001-01-01", 200), ("/day?day=9999-12-31", 200),
        ("/day?day=2026-02-30", 422), ("/day?day=1793491200", 422), ("/day?day=2026-11-01T00:00:00Z", 422), ("/day", 422),
        ("/asset/yuenlong-farm", 200), ("/asset/a%00b", 422), ("/asset/%FF", 422), ("/asset/-a", 422),
        ("/asset/" + "a" * 29, 422), ("/asset/a%0A", 422), ("/number/1", 200), ("/number/9007199254740991", 200),
        ("/number/9007199254740992", 422), ("/number/0", 422), ("/number/-1", 422), ("/number/1e3", 422), ("/number/%C2%B2", 422),
        ("/number/" + "9" * 400, 422),
    ],
)  # fmt: skip
def test_names_and_numbers(client, path, status):
    assert client("GET", path).status_code == status
