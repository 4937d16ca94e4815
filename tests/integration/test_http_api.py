"""The HTTP API over a settled system: what an operator, an owner and anyone sees of it."""

import contextlib
import csv
import hashlib
import io
import socket
from contextlib import ExitStack
from datetime import datetime, timedelta, timezone
from types import SimpleNamespace

import httpx
import pytest

from api.access.keys import scopes_of
from api.access.limits import NO_LIMITS
from api.access.principal import Role
from api.app import create_app
from api.assembly import Site, assembled
from api.demo.world import FINALITY, NETWORK
from api.http.headers import CONTENT_SECURITY_POLICY, DATA_POLICY
from api.server import serve
from oracle.attestation.period import decode_period
from oracle.attestation.proof import decode_anchor, decode_proof
from oracle.attestation.verification import verify_proof

HUNAN, HONG_KONG = "liuyang-village-1", "shamshuipo-rooftop-1"
LONG_AGO_AND_FAR_AHEAD = {"from": "0001-01-01T00:00:00Z", "to": "9999-12-31T23:59:59Z"}


@pytest.fixture(scope="module")
def api(settled_to_read, tmp_path_factory):
    """The application over the first node's journal and the chain, with a key that may everything."""
    world = settled_to_read.world
    with ExitStack() as stack:
        site = Site(
            network=NETWORK,
            journal=world.folder / "node-1" / "journal.sqlite",
            connect=world.chain.connect,
            book=world.book,
            finality=FINALITY,
            rules=world.rules,
            state=tmp_path_factory.mktemp("api"),
            public_url="http://sun.example",
            limits=NO_LIMITS,
        )
        services = stack.enter_context(assembled(site))
        services.projection.wait_fresh()
        _, key = services.access.keys.make(
            role=Role.OPERATOR, scopes=scopes_of(Role.OPERATOR), label="test", now_ms=services.access.now_ms()
        )
        app = create_app(services)
        address = stack.enter_context(serve(app, 0))
        headers = {"Authorization": f"Bearer {key}"}
        client = stack.enter_context(httpx.Client(base_url=address, headers=headers, timeout=60, trust_env=False))
        public = stack.enter_context(httpx.Client(base_url=address, timeout=60, trust_env=False))
        yield SimpleNamespace(client=client, public=public, services=services, app=app, **vars(settled_to_read))


@pytest.fixture(scope="module")
def client(api):
    return api.client


def _at_hongkong(text):
    return datetime.fromisoformat(text).astimezone(timezone(timedelta(hours=8))).isoformat()


def everything(client, path, **params):
    """All items of a list, page by page."""
    items, after = [], None
    while True:
        answer = client.get(path, params=params | ({"after": after} if after else {}))
        assert answer.status_code == 200, answer.text
        page = answer.json()
        items += page["items"]
        after = page["next"]
        if after is None:
            return items


def test_what_an_owner_sees_adds_up(client):
    assets = everything(client, "/v1/assets")
    assert [asset["asset_id"] for asset in assets] == [HUNAN, HONG_KONG]
    assert [asset["claim_right"] for asset in assets] == ["credit", "none"]
    assert [asset["credit_refusal"] for asset in assets] == [None, "no_right"]
    for asset in assets:
        name = asset["asset_id"]
        assert client.get(f"/v1/assets/{name}").json() == asset
        rows = everything(client, f"/v1/assets/{name}/production", limit=7)
        assert sum(row["attested_wh"] for row in rows) == asset["attested_wh"] == asset["minted_wh"] > 0
        accounts = everything(client, f"/v1/assets/{name}/accounts", limit=5)
        for standing in ("attested", "withheld", "disputed"):
            assert sum(row["wh"] for row in accounts if row["standing"] == standing) == asset[f"{standing}_wh"]
            only = everything(client, f"/v1/assets/{name}/accounts", standing=standing)
            assert only == [row for row in accounts if row["standing"] == standing]
        for per in ("hour", "day", "month"):
            summed = everything(client, f"/v1/assets/{name}/production", per=per)
            assert sum(row["attested_wh"] for row in summed) == asset["attested_wh"]
        assert (asset["credits_g"] > 0) == (asset["claim_right"] == "credit")
    portfolio = client.get("/v1/portfolio").json()
    assert [asset["asset_id"] for asset in portfolio["assets"]] == [HUNAN, HONG_KONG]


def test_the_way_of_a_watt_hour_is_public_and_says_how_fresh_it_is(api):
    status = api.public.get("/v1/status").json()
    assert [station["name"] for station in status["stations"]] == [
        "meters", "journal", "nodes", "report", "minted", "paid",
    ]  # fmt: skip
    journal = next(station for station in status["stations"] if station["name"] == "journal")
    assert journal["readings"] == 2 * 289
    assert status["sources"]["journal"]["stale_since"] is None
    assert status["chain_id"] == api.world.book.chain_id
    of_one = api.client.get("/v1/status", params={"asset_id": HUNAN}).json()
    meters = next(station for station in of_one["stations"] if station["name"] == "meters")
    assert meters["of"] == 1
    assert api.public.get("/v1/status", params={"asset_id": HUNAN}).status_code == 404


def test_reports_feeds_and_tokens_are_public(api):
    (report,) = everything(api.public, "/v1/reports")
    assert api.public.get("/v1/reports/1").json() == report
    last = api.world.nodes[0].journal.last_report()
    assert report["epoch"] == last.report.epoch == 1
    assert report["energy_wh"] == last.report.totals.energy_wh
    assert (report["status"], report["threshold"]) == ("active", 3)
    assert sum(signer["signed"] for signer in report["signers"]) >= 3
    (token,) = everything(api.public, "/v1/tokens")
    assert api.public.get(f"/v1/tokens/{token['credit_id']}").json() == token
    assert (
        token["issued_g"]
        == next(a for a in everything(api.client, "/v1/assets") if a["asset_id"] == HUNAN)["credits_g"]
    )
    feeds = everything(api.public, "/v1/feeds")
    assert [feed["address"] for feed in feeds] == [feed.address for feed in api.services.projection.feeds()]
    assert everything(api.public, "/v1/retirements") == []


def test_readings_are_the_meters_own(api):
    plant = api.world.plants[0]
    readings = everything(api.client, f"/v1/assets/{plant.asset_id}/readings", limit=50, **LONG_AGO_AND_FAR_AHEAD)
    truth = list(plant.source.between(api.span.after_ms, api.span.until_ms))
    assert [(r["export_wh"], r["power_w"]) for r in readings] == [(r.export_wh, r.power_w) for r in truth]
    assert {r["meter_id"] for r in readings} == {plant.meter.id}


def test_a_downloaded_proof_verifies_against_the_public_anchor(api):
    answer = api.client.get(f"/v1/assets/{HUNAN}/proof")
    assert answer.headers["content-disposition"] == f'attachment; filename="{HUNAN}.json"'
    anchor = decode_anchor(api.public.get("/v1/anchor").content)
    assert [step.name for step in verify_proof(decode_proof(answer.content), anchor)][-1] == "anchor"
    (row, *_) = [r for r in everything(api.client, f"/v1/assets/{HUNAN}/production") if r["attested_wh"]]
    period = decode_period(api.client.get(f"/v1/assets/{HUNAN}/proof/{row['start']}").content)
    booked = sum(one.energy_wh for one in period.period.booked if one.standing == "attested")
    assert booked == row["attested_wh"]
    between = row["start"].replace(":00Z", ":01Z")
    assert api.client.get(f"/v1/assets/{HUNAN}/proof/{between}").status_code == 404


def test_an_explanation_accounts_for_the_interval(api):
    (row, *_) = [r for r in everything(api.client, f"/v1/assets/{HUNAN}/production") if r["attested_wh"]]
    asked = {"from": row["start"], "to": row["end"]}
    told = api.client.get(f"/v1/assets/{HUNAN}/explanation", params=asked).json()
    assert sum(one["wh"] for one in told["booked"] if one["standing"] == "attested") == row["attested_wh"]
    assert sum(one["wh"] for meter in told["meters"] for one in meter["shares"]) == row["attested_wh"]
    assert told["history_count"] == len(told["history"]) > 0
    assert (told["start"], told["end"]) == tuple(_at_hongkong(row[end]) for end in ("start", "end"))
    assert "the rules that it was made by" in told["notes"][0]
    backwards = {"from": row["end"], "to": row["start"]}
    assert api.client.get(f"/v1/assets/{HUNAN}/explanation", params=backwards).status_code == 200


def test_a_power_day_tells_no_data_from_zero(api):
    day = next(r["start"] for r in everything(api.client, f"/v1/assets/{HUNAN}/production", per="day"))
    power = api.client.get(f"/v1/assets/{HUNAN}/power", params={"day": day[:10]}).json()
    assert {"points", "hours", "clear_sky"} <= set(power)
    for far in ("1970-01-01", "9998-12-31"):
        empty = api.client.get(f"/v1/assets/{HUNAN}/power", params={"day": far})
        assert empty.status_code == 200, empty.text
        assert all(point["power_w"] is None for point in empty.json()["points"])


def test_csv_has_the_rows_of_json(client):
    for path in (
        "/v1/assets",
        f"/v1/assets/{HUNAN}/production",
        f"/v1/assets/{HUNAN}/accounts",
        "/v1/reports",
        "/v1/tokens",
    ):
        items = client.get(path).json()["items"]
        answer = client.get(path, headers={"Accept": "text/csv"})
        rows = list(csv.DictReader(io.StringIO(answer.text)))
        assert answer.headers["content-type"].startswith("text/csv")
        assert len(rows) == len(items) > 0
        for name, member in items[0].items():
            if isinstance(member, str | int) and not isinstance(member, bool):
                assert rows[0][name].removeprefix("'") == str(member)


QUICK = [
    f"/v1/assets/{HUNAN}",
    f"/v1/assets/{HUNAN}/production",
    f"/v1/assets/{HUNAN}/production?per=day&limit=1000",
    f"/v1/assets/{HUNAN}/production?from=1970-01-01T00:00:00Z&to=2100-01-01T00:00:00Z&limit=3",
    f"/v1/assets/{HUNAN}/production?from=2100-01-01T00:00:00Z",
    f"/v1/assets/{HUNAN}/accounts?standing=attested&limit=2",
    f"/v1/assets/{HUNAN}/power?day=2026-01-01",
    "/v1/assets/nothing",
    "/v1/assets/nothing/production",
    "/v1/assets/nothing/accounts",
    "/v1/assets/nothing/power?day=2026-01-01",
]


@pytest.mark.parametrize("path", QUICK)
def test_the_short_way_and_the_long_way_answer_alike(client, path):
    short = client.get(path)
    long = client.get(
        path + ("&" if "?" in path else "?") + "nothing=1", headers={"Accept": "application/json, */*;q=0.1"}
    )
    assert long.status_code == short.status_code
    assert long.content == short.content
    unlike = {"date", "x-request-id", "link"}
    assert {k: v for k, v in long.headers.items() if k not in unlike} == {
        k: v for k, v in short.headers.items() if k not in unlike
    }
    assert ("link" in short.headers) == ("link" in long.headers)
    if short.status_code == 200:
        again = client.get(path, headers={"If-None-Match": short.headers["etag"]})
        assert (again.status_code, again.content) == (304, b"")


def test_documents_are_kept_by_the_hash_of_their_content(client):
    content = b"%PDF-1.7 the contract of the roof"
    digest = hashlib.sha256(content).hexdigest()
    place = f"/v1/assets/{HUNAN}/documents"
    pdf = {"Content-Type": "application/pdf"}
    assert client.get(f"{place}/{digest}").status_code == 404
    first = client.put(f"{place}/{digest}", content=content, headers=pdf)
    assert (first.status_code, first.json()["sha256"], first.json()["size"]) == (201, digest, len(content))
    assert client.put(f"{place}/{digest}", content=content, headers=pdf).status_code == 200
    assert client.put(f"{place}/{digest}", content=b"another", headers=pdf).status_code == 409
    assert client.put(f"{place}/{digest}", content=content, headers={"Content-Type": "text/html"}).status_code == 415
    assert client.put(f"{place}/{digest}", content=b"x" * (9 << 20), headers=pdf).status_code == 413
    assert everything(client, place) == [first.json()]
    got = client.get(f"{place}/{digest}")
    assert got.content == content
    assert got.headers["content-security-policy"] == "default-src 'none'; sandbox"
    assert got.headers["content-disposition"].startswith("attachment")
    assert client.get(f"/v1/assets/{HONG_KONG}/documents/{digest}").status_code == 404


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/v1/assets/nothing", 404),
        ("/v1/assets/nothing/proof", 404),
        ("/v1/assets/nothing/explanation?from=2026-01-01T00:00:00Z", 404),
        ("/v1/nothing", 404),
        ("/v1/reports/2", 404),
        ("/v1/reports/9007199254740991", 404),
        ("/v1/retirements/1", 404),
        ("/v1/retirements/1/proof", 404),
        ("/v1/tokens/1", 404),
        ("/v1/tokens/" + "9" * 78, 404),
        ("/v1/tokens/" + "9" * 79, 422),
        (f"/v1/assets/{HUNAN}/production?from=yesterday", 422),
        (f"/v1/assets/{HUNAN}/production?per=year", 422),
        (f"/v1/assets/{HUNAN}/production?limit=9999", 422),
        (f"/v1/assets/{HUNAN}/production?after=AXh4", 404),
        (f"/v1/assets/{HUNAN}/production?after=%00", 422),
        (f"/v1/assets/{HUNAN}/power?day=0001-01-01", 404),
        (f"/v1/assets/{HUNAN}/power?day=9999-12-31", 404),
        (f"/v1/assets/{HUNAN}/power", 422),
        ("/v1/assets?after=AQ%FF", 422),
        ("/v1/reports?after=AXh4", 404),
        ("/v1/retirements?after=AXh4", 404),
        ("/v1/assets?format=xml", 422),
        ("/v1/assets/%00", 422),
        ("/v1/assets/%FF%FE", 422),
        ("/v1/reports/0", 422),
        ("/v1/reports/1e3", 422),
        ("/problems/nothing", 404),
    ],
)
def test_errors_are_problem_documents(client, path, status):
    answer = client.get(path)
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    document = answer.json()
    assert document["status"] == status
    assert document["detail"]
    assert client.get(document["type"], headers={"Accept": "application/json"}).json()["status"] == status


HOSTILE = [
    b"GET /v1/assets/%00%ff HTTP/1.1\r\nHost: h\r\n",
    b"GET /v1/\xff\xfe HTTP/1.1\r\nHost: h\r\n",
    b"GET /v1/reports?limit=%ff%fe&after=%00 HTTP/1.1\r\nHost: h\r\n",
    b"GET /v1/reports?" + b"limit=1&" * 900 + b" HTTP/1.1\r\nHost: h\r\n",
    b"GET /v1/reports?limit=1&limit=2&limit=%F0%9F%98%80 HTTP/1.1\r\nHost: h\r\n",
    b"GET /v1/tokens/" + b"9" * 5000 + b" HTTP/1.1\r\nHost: h\r\n",
    b"GET /v1/reports/" + b"9" * 5000 + b" HTTP/1.1\r\nHost: h\r\n",
    b"GET /v1/status HTTP/1.1\r\nHost: h\r\nAuthorization: Bearer \xff\xfe\r\n",
    b"GET /v1/status HTTP/1.1\r\nHost: h\r\nAuthorization: \r\n",
    b"GET /v1/status HTTP/1.1\r\nHost: h\r\nAuthorization: Bearer a\r\nAuthorization: Bearer b\r\n",
    b"GET /v1/status HTTP/1.1\r\nHost: h\r\nCookie: heliograph_session=\xc3\x28; a\r\n",
    b"GET /v1/status HTTP/1.1\r\nHost: h\r\nAccept: \xff;q=\xff,,;;\r\nIf-None-Match: \xff, W/\r\n",
    b"GET /v1/reports HTTP/1.1\r\nHost: h\r\nAccept: text/csv;q=nan, application/json;q=inf\r\n",
    b"GET /v1/status HTTP/1.1\r\nHost: \xff\xfe:99999999\r\n",
    b"GET //v1//status/ HTTP/1.1\r\nHost: h\r\n",
    b"GET /problems/..%2f..%2fetc HTTP/1.1\r\nHost: h\r\nAccept: \xff\r\n",
    b"HEAD /v1/status HTTP/1.1\r\nHost: h\r\n",
    b"TRACE /v1/status HTTP/1.1\r\nHost: h\r\n",
    b"POST /v1/sessions HTTP/1.1\r\nHost: h\r\nContent-Type: application/json\r\nContent-Length: 2\r\nContent-Length: 3\r\n",
    b"POST /v1/sessions HTTP/1.1\r\nHost: h\r\nContent-Type: application/json; charset=\xff\r\nContent-Length: 0\r\n",
    b"POST /v1/sessions HTTP/1.1\r\nHost: h\r\nContent-Type: \xff\r\nContent-Length: 0\r\nIdempotency-Key: \xff\r\n",
    b"POST /v1/sessions HTTP/1.1\r\nHost: h\r\nContent-Length: 99999999999999999999\r\n",
    b"POST /v1/sessions HTTP/1.1\r\nHost: h\r\nContent-Length: -1\r\n",
    b"GET /v1/status HTTP/1.1\r\nHost: h\r\nX: " + b"a" * 100_000 + b"\r\n",
]


@pytest.mark.parametrize("raw", HOSTILE, ids=range(len(HOSTILE)))
def test_no_bytes_make_a_mistake_of_the_server(api, raw):
    url = api.client.base_url
    with socket.create_connection((url.host, url.port), timeout=20) as connection:
        connection.sendall(raw + b"Connection: close\r\n\r\n")
        answer = b""
        with contextlib.suppress(ConnectionResetError):  # what it will not read to the end, it cuts off
            while piece := connection.recv(65536):
                answer += piece
    status = int(answer.split(b" ", 2)[1]) if answer else 400
    assert 200 <= status < 500, answer[:300]


def test_nothing_is_shown_to_nobody_in_particular(api):
    for path in (
        "/v1/assets",
        f"/v1/assets/{HUNAN}",
        "/v1/assets/nothing",
        "/v1/portfolio",
        f"/v1/assets/{HUNAN}/proof",
    ):
        answer = api.public.get(path)
        assert (answer.status_code, answer.headers["www-authenticate"]) == (401, 'Bearer realm="heliograph"')


def test_no_answer_loads_anything_from_elsewhere(api):
    assert api.public.get("/redoc").status_code == 404
    policies = {
        "/openapi.json": DATA_POLICY,
        "/v1/status": DATA_POLICY,
        "/v1/nothing": DATA_POLICY,
        "/problems/not-found": CONTENT_SECURITY_POLICY,
        "/docs": CONTENT_SECURITY_POLICY,
        "/nothing": DATA_POLICY,
    }
    assert {path: api.public.get(path).headers["content-security-policy"] for path in policies} == policies
    page = api.public.get("/nothing", headers={"accept": "text/html"})
    assert (page.status_code, page.headers["content-security-policy"]) == (404, CONTENT_SECURITY_POLICY)
