import sqlite3
from typing import Annotated

import pytest
from fastapi import FastAPI, Query

from api.http.problem_pages import problem_routes
from api.http.problem_types import BY_STATUS, PROBLEM_TYPES, problem_type, type_of_status
from api.http.problems import NotFoundProblem, ProblemError, install_problems
from oracle.errors import ChainError, JournalError

RAISED = {
    "absent": NotFoundProblem("there is no asset north; GET /v1/assets lists those there are"),
    "slow-down": ProblemError("too-many-requests", "too many; wait 7 seconds", retry_after_s=7),
    "who": ProblemError("unauthenticated", "sign in"),
    "more": ProblemError("conflict", "it stands already", members={"epoch": 4}),
    "chain": ChainError("the node does not answer"),
    "journal": JournalError("no such file"),
    "database": sqlite3.OperationalError("disk I/O error: /secret/path"),
}


AS_JSON = {"accept": "application/json"}


@pytest.fixture
def client(ask):
    app = FastAPI(openapi_url=None)
    install_problems(app)

    @app.get("/raise/{name}")
    async def raising(name: str):
        raise RAISED[name]

    @app.get("/number")
    async def number(count: Annotated[int, Query(ge=1)]):
        return count

    @app.put("/number")
    async def put_number(body: dict[str, int]):
        return body

    app.include_router(problem_routes(app))
    return ask(app)


@pytest.mark.parametrize(
    ("name", "slug", "status", "headers"),
    [
        ("absent", "not-found", 404, {}),
        ("slow-down", "too-many-requests", 429, {"retry-after": "7"}),
        ("who", "unauthenticated", 401, {"www-authenticate": 'Bearer realm="heliograph"'}),
        ("more", "conflict", 409, {}),
        ("chain", "chain-away", 503, {"retry-after": "5"}),
        ("journal", "journal-away", 503, {"retry-after": "5"}),
        ("database", "part-away", 503, {"retry-after": "5"}),
    ],
)
def test_every_error_is_a_document_that_says_what_to_do(client, name, slug, status, headers):
    answer = client("GET", f"/raise/{name}")
    document = answer.json()
    assert answer.status_code == document["status"] == status
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.headers["cache-control"] == "no-store"
    assert document["type"] == f"/problems/{slug}"
    assert document["title"] == problem_type(slug).title
    assert document["instance"] == f"/raise/{name}"
    assert document["detail"]
    assert {key: answer.headers[key] for key in headers} == headers


def test_further_members_are_in_the_document_and_inner_faults_are_not(client):
    assert client("GET", "/raise/more").json()["epoch"] == 4
    assert "secret" not in client("GET", "/raise/database").text


def test_a_wrong_parameter_is_named_and_its_content_not_repeated(client):
    answer = client("GET", "/number?count=private")
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["where"] == "query.count"
    assert "query.count" in answer.json()["detail"]
    assert "private" not in answer.text


@pytest.mark.parametrize("body", [b"{", b"\xff\xfe", b'{"a": ' + b"9" * 5000 + b"}"])
def test_a_body_that_cannot_be_read_is_malformed(client, body):
    answer = client("PUT", "/number", content=body, headers={"content-type": "application/json"})
    assert answer.status_code == 400
    assert answer.json()["type"] == "/problems/malformed-request"


def test_unknown_paths_and_methods(client):
    assert client("GET", "/nothing").json()["type"] == "/problems/not-found"
    answer = client("DELETE", "/number")
    assert answer.json()["type"] == "/problems/method-not-allowed"
    assert answer.headers["allow"] == "GET, HEAD, PUT"


@pytest.mark.parametrize("slug", PROBLEM_TYPES)
def test_every_type_explains_itself_to_programs_and_people(client, slug):
    kind = PROBLEM_TYPES[slug]
    told = client("GET", kind.uri, headers=AS_JSON).json()
    assert (told["status"], told["title"], told["remedy"]) == (kind.status, kind.title, kind.remedy)
    page = client("GET", kind.uri)
    assert page.headers["content-type"] == "text/html; charset=utf-8"
    assert kind.title in page.text
    assert "http:" not in page.text
    assert "<script" not in page.text
    assert slug in {each["slug"] for each in client("GET", "/problems", headers=AS_JSON).json()["items"]}


def test_types_have_whole_sentences_and_statuses_lead_to_types_of_that_status():
    for kind in PROBLEM_TYPES.values():
        assert kind.meaning.endswith(".")
        assert kind.remedy.endswith(".")
        assert kind.slug == kind.slug.lower()
        assert (kind.retry_after_s is not None) >= (kind.status in {429, 503})
    for status, slug in BY_STATUS.items():
        assert problem_type(slug).status == status
    assert type_of_status(418).status == 400
    assert type_of_status(502).status == 500


def test_a_page_for_no_type_is_not_found(client):
    assert client("GET", "/problems/none").status_code == 404


def test_a_type_that_is_not_in_the_table_is_a_mistake_of_the_program():
    with pytest.raises(KeyError):
        ProblemError("no-such-type", "x")
