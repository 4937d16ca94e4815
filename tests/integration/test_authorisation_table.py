"""Each role at each route, asking for its own or another's: over HTTP, against the real application and a settled world."""

import logging

import pytest

from api.access.keys import scopes_of
from api.access.principal import Role
from tests.integration.conftest import settled_system
from tests.support.authorisation_table import PAGES, ROWS
from tests.support.authorised_site import ABSENT, authorised_site

BY_OPERATION = {row.operation: row for row in ROWS}
CLOSED = [row for row in ROWS if not row.is_public]
WRITES = [row for row in ROWS if row.is_write]
VERSIONED = [row for row in ROWS if row.path.startswith("/v1")]
SCOPED = [row for row in CLOSED if row.scope]


def of(rows):
    return pytest.mark.parametrize("row", rows, ids=[row.operation for row in rows])


@pytest.fixture(scope="module", name="site")
def site_fixture(tmp_path_factory):
    folder = tmp_path_factory.mktemp("authorised")
    with settled_system(folder) as system, authorised_site(folder, system) as site:
        yield site


def holds(answer, status):
    """Check a status, and that whatever is no success is a problem document that says what to do."""
    assert answer.status_code == status, answer.text
    if status < 400:
        return
    assert answer.headers["content-type"] == "application/problem+json"
    document = answer.json()
    assert document["status"] == status
    assert document["type"].startswith("/problems/")
    assert document["detail"]
    assert ("www-authenticate" in answer.headers) == (status == 401)


def test_every_route_of_the_application_is_in_the_table(site):
    served = {(method, route.path) for route in site.app.routes for method in route.methods - {"HEAD"}}
    written = {(row.method, row.path) for row in ROWS}
    pages = {("GET", path) for path in PAGES.split()}
    assert served - written - pages == set()
    assert written - served == set()
    named = {
        route.operation_id: (next(iter(route.methods)), route.path) for route in site.app.routes if route.operation_id
    }
    assert named == {row.operation: (row.method, row.path) for row in ROWS}


@of(ROWS)
def test_nobody(site, row):
    names = site.with_things(row, site.names(site.owner), site.owner)
    holds(site.ask(row, names), row.public)


@of(ROWS)
def test_an_owner_asking_for_their_own(site, row):
    names = site.with_things(row, site.names(site.owner), site.owner)
    holds(site.ask(row, names, site.session(site.owner)), row.own)


@of([row for row in ROWS if row.other is not None])
def test_an_owner_asking_for_anothers(site, row):
    names = site.with_things(row, site.names(site.other), site.other)
    token = site.session(site.owner)
    answer = site.ask(row, names, token)
    holds(answer, row.other)
    if row.other != 404:
        return
    absent = site.ask(row, names | ABSENT, token)
    assert heard(answer, names) == heard(absent, ABSENT)


@of(
    [row for row in ROWS if row.other == 404 and row.operation != "credit_draw"]
)  # the other plant has no right to credits
def test_what_is_anothers_is_its_owners(site, row):
    """That it was refused as another's proves nothing unless the very same request is answered to whose it is."""
    names = site.with_things(row, site.names(site.other), site.other)
    holds(site.ask(row, names, site.session(site.other)), row.own)


def heard(answer, names):
    """All that an asker learns from an answer, but for the name that they gave themselves."""
    told = {
        key: content for key, content in answer.headers.items() if key not in {"date", "x-request-id", "content-length"}
    }
    body = answer.content
    for name in ("webhook_id", "address", "asset_id", "key_id"):
        body = body.replace(str(names[name] or name).encode(), name.encode())
    return answer.status_code, told, body


@of(ROWS)
def test_an_operator(site, row):
    names = site.with_things(row, site.names(site.owner), site.owner)
    holds(site.ask(row, names, site.key()), row.operator)


@of(ROWS)
def test_an_auditor(site, row):
    names = site.with_things(row, site.names(site.owner), site.owner)
    holds(site.ask(row, names, site.key(Role.AUDITOR)), row.auditor)


@of(SCOPED)
def test_a_key_without_the_scope(site, row):
    names = site.with_things(row, site.names(site.owner), site.owner)
    for role, expected in ((Role.OPERATOR, row.operator), (Role.AUDITOR, row.auditor), (Role.OWNER, row.own)):
        others = scopes_of(role) - {row.scope}
        address = {"address": site.owner.address} if role is Role.OWNER else {}
        answer = site.ask(row, names, site.key(role, others, **address))
        holds(answer, 403)
        if expected < 400:
            assert row.scope in answer.json()["detail"]


@of([row for row in SCOPED if row.own < 400])
def test_an_owners_key_with_the_scope_alone(site, row):
    names = site.with_things(row, site.names(site.owner), site.owner)
    alone = frozenset({row.scope})
    holds(site.ask(row, names, site.key(Role.OWNER, alone, address=site.owner.address)), row.own)


@pytest.fixture(scope="module", name="void")
def void_fixture(site):
    """Credentials that do not hold, by what is wrong with them."""
    now_ms, day_ms = site.access.now_ms(), 86_400_000
    everything = {"role": Role.OPERATOR, "scopes": scopes_of(Role.OPERATOR), "label": ""}
    revoked, revoked_token = site.access.keys.make(**everything, now_ms=now_ms)
    holds(site.call("GET", "/v1/keys", revoked_token), 200)  # it was good, and is remembered as such
    site.access.revoke_key(revoked.key_id)
    _, expired = site.access.keys.make(**everything, now_ms=now_ms - 2 * day_ms, expires_ms=now_ms - day_ms)
    closed = site.session(site.owner)
    holds(site.call("DELETE", "/v1/sessions/current", closed), 204)
    good = site.key()
    return {
        "forged": good[:-4] + ("0000" if not good.endswith("0000") else "1111"),
        "made up": "hgk_" + "ab" * 6 + "_" + "cd" * 32,
        "revoked": revoked_token,
        "expired": expired,
        "signed out": closed,
        "ended": site.session(site.owner, ended_ms=1000),
        "no token": "let-me-in",
    }


@of(VERSIONED)
def test_credentials_that_do_not_hold(site, row, void):
    names = site.names(site.owner) | {"key_id": ABSENT["key_id"], "webhook_id": ABSENT["webhook_id"]}
    told = set()
    for token in void.values():
        answer = site.ask(row, names, token)
        holds(answer, 401)
        told.add(answer.json()["detail"])
    assert len(told) == 1  # and nobody learns what is wrong with them


@of(WRITES)
def test_a_cookie_alone_does_not_write(site, row):
    names = site.with_things(row, site.names(site.owner), site.owner)
    cookie = {"cookie": f"heliograph_session={site.session(site.owner)}"}
    refused = site.ask(row, names, headers=cookie)
    holds(refused, 403)
    assert refused.json()["type"] == "/problems/unconfirmed-write"
    holds(site.ask(row, names, headers=cookie | {"x-heliograph": "1"}), row.own)


def test_lists_show_an_owner_what_is_theirs_and_an_operator_everything(site):
    both = {site.plant.asset_id, site.others_plant.asset_id}
    accounts = [site.owner, site.other, site.accounts[5]]
    expected = [{site.plant.asset_id}, {site.others_plant.asset_id}, set()]
    askers = [
        *zip(map(site.session, accounts), expected, strict=True),
        (site.key(), both),
        (site.key(Role.AUDITOR), both),
    ]
    for token, theirs in askers:
        assert {one["asset_id"] for one in site.call("GET", "/v1/assets", token).json()["items"]} == theirs
        portfolio = site.call("GET", "/v1/portfolio", token).json()
        assert {one["asset_id"] for one in portfolio["assets"]} == theirs
        assert (portfolio["today_wh"] or 0) >= 0
        months = site.call("GET", "/v1/revenue/months", token).json()["items"]
        assert {one["asset_id"] for one in months} == theirs
        told = site.call("GET", "/v1/events?format=json&limit=1000", token).json()["items"]
        assert {one["asset_id"] for one in told} - {None} <= theirs
    assert any(one["asset_id"] for one in told)


@pytest.mark.parametrize(
    "path",
    [
        "/v1/assets/{other}?x=%00",
        "/v1/assets/{other}/production?asset_id={own}",
        "/v1/assets/{own}?asset_id={other}",
        "/v1/assets/{encoded}",
        "/v1/assets/{own}/../{other}",
        "/v1/assets/{own}%2F..%2F{other}",
        "/v1/assets//{other}",
        "/v1/assets/{other}/",
        "/v1/events?format=json&asset_id={own}&asset_id={other}",
        "/v1/revenue/deposits?asset_id={other}&asset_id={own}",
        "/v1/status?asset_id={other}",
        "/v1/credits?address={address}",
        "/v1/revenue?address={address}",
    ],
)
def test_no_way_of_writing_it_leads_to_anothers(site, path):
    own, other = site.plant.asset_id, site.others_plant.asset_id
    encoded = "".join(f"%{byte:02X}" for byte in other.encode())
    asked = path.format(own=own, other=other, encoded=encoded, address=site.other.address)
    for method in ("GET", "HEAD"):
        answer = site.call(method, asked, site.session(site.owner))
        assert answer.status_code == 404, answer.text


def test_another_method_is_no_way_around(site):
    names, token = site.names(site.owner) | ABSENT, site.session(site.owner)
    for method in ("PATCH", "OPTIONS", "TRACE"):
        for row in ROWS:
            holds(site.call(method, row.path.format(**names), token), 405)


def test_whoever_acts_on_anothers_asset_acts_for_themselves(site):
    """Off-takers pay for, and holders move shares of, assets that are not theirs: but only from their own account."""
    other, token = site.others_plant.asset_id, site.session(site.owner)
    for path, order in (
        ("/v1/revenue/deposits", {"asset_id": other, "month": site.month, "minor": 1_000}),
        ("/v1/revenue/permits", {"asset_id": other, "spender": site.other.address, "units": 1}),
        ("/v1/revenue/claims", {"asset_id": other}),
    ):
        answer = site.call("POST", path, token, json=order)
        holds(answer, 200)
        assert {step["from"] for step in answer.json()["steps"]} <= {site.owner.address}
    nobodys = site.call("POST", "/v1/revenue/claims", token, json={"asset_id": ABSENT["asset_id"]})
    assert nobodys.content == answer.content  # there is as little to claim of another's as of none


def _altered(text, line, put):
    return "\n".join(put if each.startswith(line) else each for each in text.split("\n"))


SIGN_INS = {
    "expired": lambda text: _altered(text, "Expiration Time", "Expiration Time: 2020-01-01T00:00:00Z"),
    "not yet valid": lambda text: text + "\nNot Before: 2100-01-01T00:00:00Z",
    "wrong domain": lambda text: text.replace("sun.example wants", "moon.example wants"),
    "wrong uri": lambda text: _altered(text, "URI", "URI: http://moon.example"),
    "wrong chain": lambda text: _altered(text, "Chain ID", "Chain ID: 1"),
    "made-up nonce": lambda text: _altered(text, "Nonce", "Nonce: " + "0" * 68),
    "stale": lambda text: _altered(text, "Issued At", "Issued At: 2020-01-01T00:00:00Z"),
    "from the future": lambda text: _altered(text, "Issued At", "Issued At: 2100-01-01T00:00:00Z"),
}


@pytest.mark.parametrize("what", SIGN_INS)
def test_a_sign_in_that_is_not_for_here_and_now(site, what):
    asked = site.sign_in(site.owner)
    message = SIGN_INS[what](asked["message"])
    assert message != asked["message"]
    answer = site.call(
        "POST", "/v1/sessions", json={"message": message, "signature": site.signature(site.owner, message)}
    )
    holds(answer, 401)
    assert answer.json()["type"] == "/problems/sign-in-refused"
    assert "set-cookie" not in answer.headers


def test_a_sign_in_replayed_altered_or_signed_by_another(site):
    asked = site.sign_in(site.owner)
    message = asked["message"]
    for body in (
        asked | {"message": message.replace("costs nothing", "costs a lot")},
        asked | {"message": message.replace(site.owner.address, site.other.address)},
        asked | {"signature": site.signature(site.other, message)},
        asked | {"signature": "0x" + "1b" * 65},
    ):
        holds(site.call("POST", "/v1/sessions", json=body), 401)
    holds(site.call("POST", "/v1/sessions", json=asked), 201)
    holds(site.call("POST", "/v1/sessions", json=asked), 401)


def test_every_write_that_somebody_made_is_on_record(site):
    start = site.access.audit.head()[0]
    for operation in ("owner_put", "evidence_release", "credit_draw", "webhook_create", "keys_create", "document_put"):
        row = BY_OPERATION[operation]
        holds(site.ask(row, site.names(site.owner), site.session(site.owner)), row.own)
        holds(site.ask(row, site.names(site.other) | ABSENT, site.session(site.owner)), row.other or row.own)
        holds(site.ask(row, site.names(site.owner), site.key(Role.AUDITOR)), 403)
        holds(site.ask(row, site.names(site.owner)), 401)
    rows = site.access.audit.rows(start, 100)
    assert [(one.operation, one.role) for one in rows] == [
        (operation, role)
        for operation in (
            "owner_put",
            "evidence_release",
            "credit_draw",
            "webhook_create",
            "keys_create",
            "document_put",
        )
        for role in ("owner", "owner", "auditor")
    ]
    assert {one.status for one in rows if one.role == "auditor"} == {403}
    assert {one.target for one in rows if one.operation == "evidence_release"} == {
        site.plant.asset_id,
        ABSENT["asset_id"],
    }
    assert site.access.audit.broken_at() is None


def test_a_write_sent_twice_is_done_once_and_a_key_is_not_shown_twice(site):
    row, token = BY_OPERATION["keys_create"], site.session(site.owner)
    before = len(site.access.keys.all(site.owner.address))
    once = {"idempotency-key": "the-same"}
    holds(site.ask(row, site.names(site.owner), token, headers=once), 201)
    again = site.ask(row, site.names(site.owner), token, headers=once)
    holds(again, 409)
    assert "hgk_" not in again.text
    assert len(site.access.keys.all(site.owner.address)) == before + 1


def test_the_servers_log_holds_no_secret(site, caplog):
    caplog.set_level(logging.DEBUG)
    asked = site.sign_in(site.owner)
    session = site.call("POST", "/v1/sessions", json=asked).json()["token"]
    made = site.ask(BY_OPERATION["keys_create"], site.names(site.owner), session).json()["key"]
    site.ask(BY_OPERATION["asset"], site.names(site.other), made)
    site.ask(BY_OPERATION["asset"], site.names(site.other), made[:-4] + "0000")
    site.call("POST", "/v1/sessions", json=asked)
    site.call("POST", "/v1/sessions", content=f"{{{session}".encode(), headers={"content-type": "application/json"})
    lines = [vars(record) for record in caplog.records if not record.name.startswith(("httpx", "httpcore"))]
    assert any(line["name"].startswith("api") for line in lines)
    for secret in (session, made, asked["signature"]):
        assert secret.split("_")[-1][2:] not in str(lines)
