import csv
import io
from datetime import UTC, datetime
from typing import Literal

import pytest
from fastapi import FastAPI, Request
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel

from api.http.csv import flat, write_rows
from api.http.cursors import read_cursor, write_cursor
from api.http.lists import answer_page, columns_of
from api.http.parameters import After, FormAsked, Limit
from api.http.problems import ProblemError, install_problems
from api.projection.views import (
    AccountView,
    AssetView,
    CreditView,
    FeedView,
    ProductionView,
    ReadingView,
    ReportView,
    RetirementView,
)


class Place(BaseModel):
    name: str
    latitude: float | None = None


class Row(BaseModel):
    number: int
    at: datetime
    purpose: str | None
    is_open: bool
    place: Place | None = None
    assets: list[str] = []
    parts: list[Place] = []


class Rows(BaseModel):
    items: list[Row]
    next: str | None = None


ROWS = [
    Row(
        number=number,
        at=datetime(2026, 11, number, tzinfo=UTC),
        purpose=f"lunch {number}",
        is_open=number % 2 == 0,
        place=Place(name="roof, north"),
        assets=["a", "b"],
        parts=[Place(name="x")],
    )
    for number in range(1, 8)
]


@pytest.fixture
def client(ask):
    app = FastAPI(openapi_url=None)
    install_problems(app)

    @app.get("/rows")
    async def rows(request: Request, limit: Limit = 3, after: After = None, form: FormAsked = None):
        def page(place):
            begin = int(place or 0)
            if begin > len(ROWS):
                raise ValueError(place)
            end = begin + limit
            return Rows(items=ROWS[begin:end], next=str(end) if end < len(ROWS) else None)

        return answer_page(request, Row, form, after, page)

    return ask(app)


def test_pages_follow_each_other_and_hold_every_row_once(client):
    seen, after = [], None
    while True:
        answer = client("GET", "/rows", params={"limit": 3, **({"after": after} if after else {})}).json()
        seen += [row["number"] for row in answer["items"]]
        after = answer["next"]
        if after is None:
            break
    assert seen == [1, 2, 3, 4, 5, 6, 7]


def test_the_next_page_is_also_a_link_that_keeps_the_question(client):
    first = client("GET", "/rows?limit=2&format=csv")
    address = first.headers["link"].removeprefix("<").partition(">")[0]
    assert first.headers["link"].endswith('>; rel="next"')
    second = client("GET", address)
    assert second.headers["content-type"].startswith("text/csv")
    assert [row["number"] for row in csv.DictReader(io.StringIO(second.text))] == ["3", "4"]
    assert "link" not in client("GET", "/rows?limit=1000").headers


@pytest.mark.parametrize("how", [{"params": {"format": "csv"}}, {"headers": {"accept": "text/csv"}}])
def test_csv_has_the_same_rows(client, how):
    answer = client("GET", "/rows", **how)
    assert answer.headers["content-type"] == "text/csv; charset=utf-8; header=present"
    rows = list(csv.DictReader(io.StringIO(answer.text)))
    assert list(rows[0]) == list(columns_of(Row))
    assert rows[0] == {
        "number": "1",
        "at": "2026-11-01T00:00:00Z",
        "purpose": "lunch 1",
        "is_open": "false",
        "place.name": "roof, north",
        "place.latitude": "",
        "assets": "a b",
        "parts": "1",
    }


@pytest.mark.parametrize(
    ("accept", "form"),
    [
        ("*/*", "application/json"),
        ("text/csv;q=0.5, application/json", "application/json"),
        ("text/html, text/csv", "text/csv"),
        ("application/json;q=0.2, text/csv;q=0.9", "text/csv"),
        ("text/*", "text/csv"),
        ("text/csv;q=0, application/*", "application/json"),
    ],
)
def test_the_form_is_the_one_accepted_most(client, accept, form):
    assert client("GET", "/rows", headers={"accept": accept}).headers["content-type"].startswith(form)


@pytest.mark.parametrize("accept", ["image/png", "text/csv;q=0", "application/json;q=x"])
def test_a_form_that_is_not_given_is_refused(client, accept):
    answer = client("GET", "/rows", headers={"accept": accept})
    assert (answer.status_code, answer.json()["type"]) == (406, "/problems/not-acceptable")


@pytest.mark.parametrize("after", ["x", "AQ", "zzzz", "AXh4", "AX", "ATk5"])
def test_a_cursor_that_no_page_gave_out_leads_nowhere(client, after):
    answer = client("GET", "/rows", params={"after": after})
    if after == "AQ":  # the empty place: the beginning
        assert answer.status_code == 200
    else:
        assert (answer.status_code, answer.json()["type"]) == (404, "/problems/unknown-cursor")


@pytest.mark.parametrize("limit", ["0", "1001", "-1", "1.0", "", "1_0", " 1", "\u0661", "9" * 40])
def test_a_limit_out_of_range_is_refused(client, limit):
    assert client("GET", "/rows", params={"limit": limit}).status_code == 422


@given(st.text(max_size=60))
def test_a_cursor_leads_where_it_was_written_for(place):
    cursor = write_cursor(place)
    assert cursor is not None
    assert set(cursor) <= set("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_")
    assert read_cursor(cursor) == place


@given(st.text(alphabet="ABCxyz09-_=+", max_size=40))
def test_a_cursor_has_one_spelling(text):
    try:
        place = read_cursor(text)
    except ProblemError:
        return
    assert write_cursor(place) == text


@pytest.mark.parametrize("text", ["=1+1", "+1", "-1", "@SUM(A1)", "\tx", "\rx"])
def test_text_is_no_formula_to_a_spreadsheet(text):
    (row,) = csv.DictReader(
        io.StringIO(write_rows([{"purpose": text, "wh": -5}], ["purpose", "wh"]).decode(), newline="")
    )
    assert row == {"purpose": "'" + text, "wh": "-5"}


def test_commas_quotes_and_lines_stay_in_their_cell():
    text = 'a, "b"\r\nc'
    (row,) = csv.DictReader(io.StringIO(write_rows([{"purpose": text}], ["purpose"]).decode(), newline=""))
    assert row["purpose"] == text


def test_members_of_members_are_columns():
    assert flat({"a": {"b": {"c": 1}}, "d": [1, 2], "e": [{"x": 1}]}) == {"a.b.c": 1, "d": [1, 2], "e": 1}


@pytest.mark.parametrize(
    "kind", [AccountView, AssetView, CreditView, FeedView, ProductionView, ReadingView, ReportView, RetirementView]
)
def test_every_list_of_the_api_has_columns_without_repetition(kind):
    columns = columns_of(kind)
    assert len(set(columns)) == len(columns) >= 4
    assert {column.partition(".")[0] for column in columns} == set(kind.model_fields)


def test_a_choice_is_no_model():
    class Chosen(BaseModel):
        standing: Literal["attested", "withheld"] | None = None

    assert columns_of(Chosen) == ("standing",)
