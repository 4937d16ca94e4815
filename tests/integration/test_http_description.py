"""The application where neither journal nor chain is there: it starts, describes itself, and says what is missing."""

import json
import time
from types import SimpleNamespace

import httpx
import pytest
from web3 import HTTPProvider, Web3

from api.access.limits import NO_LIMITS
from api.access.principal import Role
from api.app import create_app
from api.assembly import Site, assembled
from api.server import serve
from contracts.address_book import IN_EVERY_BOOK, AddressBook
from oracle.reporting.rules import Rules

NOWHERE = "0x0000000000000000000000000000000000000001"
"""Address of every contract."""


@pytest.fixture(scope="module")
def api(tmp_path_factory):
    folder = tmp_path_factory.mktemp("alone")
    site = Site(
        network="demo",
        journal=folder / "journal.sqlite",
        connect=lambda: Web3(HTTPProvider("http://127.0.0.1:1", exception_retry_configuration=None)),
        book=AddressBook(1, 0, dict.fromkeys(IN_EVERY_BOOK, NOWHERE), NOWHERE),
        rules=Rules({}),
        state=folder / "state",
        public_url="http://sun.example",
        limits=NO_LIMITS,
    )
    with assembled(site) as services, serve(create_app(services), 0) as address:
        _, key = services.access.keys.make(
            role=Role.OPERATOR, scopes=frozenset({"read"}), label="test", now_ms=services.access.now_ms()
        )
        with (
            httpx.Client(base_url=address, timeout=60, trust_env=False) as public,
            httpx.Client(
                base_url=address, timeout=60, trust_env=False, headers={"Authorization": f"Bearer {key}"}
            ) as client,
        ):
            yield SimpleNamespace(public=public, client=client, services=services)


def test_reads_go_on_and_say_since_when_nothing_answers(api):
    for _ in range(100):
        told = api.public.get("/v1/status").json()["sources"]
        sources = [told["journal"], told["chain"]]
        if all(source["fault"] for source in sources):
            break
        time.sleep(0.1)
    assert all(source["fault"] and source["stale_since"] for source in sources)
    for path in ("/v1/assets", "/v1/reports", "/v1/retirements", "/v1/tokens", "/v1/feeds"):
        assert api.client.get(path).json() == {"items": [], "next": None}
    assert api.client.get("/v1/portfolio").json()["assets"] == []
    assert api.client.get("/v1/assets/roof-1").status_code == 404


def test_what_needs_the_chain_says_so_and_when_to_come_again(api):
    answer = api.public.get("/v1/anchor")
    assert (answer.status_code, answer.json()["type"]) == (503, "/problems/chain-away")
    assert int(answer.headers["retry-after"]) >= 1


@pytest.fixture(scope="module")
def description(api):
    return api.public.get("/openapi.json").json()


@pytest.fixture(scope="module")
def operations(description):
    return [(p, m, o) for p, methods in description["paths"].items() for m, o in methods.items()]


def test_every_operation_has_a_name_a_summary_and_a_tag_that_is_described(description, operations):
    names = [operation["operationId"] for _, _, operation in operations]
    assert len(set(names)) == len(names) > 40
    described = {tag["name"] for tag in description["tags"]}
    for _, _, operation in operations:
        assert operation["summary"]
        assert operation.get("description"), operation["operationId"]
        assert set(operation["tags"]) <= described, operation["operationId"]


def test_every_error_is_a_problem(description, operations):
    for _, _, operation in operations:
        assert {"400", "401", "422", "429", "503"} <= set(operation["responses"]), operation["operationId"]
        for status, response in operation["responses"].items():
            if int(status) >= 400:
                named = response.get("$ref", "").rpartition("/")[2]
                told = description["components"]["responses"].get(named, response)
                assert list(told["content"]) == ["application/problem+json"], (operation["operationId"], status)
                assert ("Retry-After" in told.get("headers", {})) >= (status in {"429", "503"})
    assert "HTTPValidationError" not in json.dumps(description)


def test_who_may_call_without_credentials_is_said(operations):
    open_ones = {o["operationId"] for _, _, o in operations if {} in o["security"]}
    assert {"status", "reports", "tokens", "retirement_proof", "session_nonce"} <= open_ones
    assert not {"assets", "production", "evidence_release", "keys_create", "telemetry"} & open_ones


def test_writes_take_an_idempotency_key_and_reads_a_tag(operations):
    for path, method, operation in operations:
        named = {parameter["name"] for parameter in operation.get("parameters", [])}
        if path.startswith("/v1/"):
            assert ("Idempotency-Key" in named) == (method != "get"), operation["operationId"]


def test_every_parameter_is_described(operations):
    for _, _, operation in operations:
        for parameter in operation.get("parameters", []):
            assert parameter.get("description"), (operation["operationId"], parameter["name"])
            assert parameter["schema"], (operation["operationId"], parameter["name"])


def test_references_lead_somewhere(description):
    def references(part):
        if isinstance(part, dict):
            if isinstance(part.get("$ref"), str):
                yield part["$ref"]
            for member in part.values():
                yield from references(member)
        elif isinstance(part, list):
            for member in part:
                yield from references(member)

    for reference in set(references(description)):
        found = description
        for name in reference.removeprefix("#/").split("/"):
            found = found[name]
        assert found
