"""API keys: what they open, what they may hand on, and how they end."""

import time

import pytest

from api.access.credentials import LOOK_MS
from api.access.keys import MOST_KEYS, scopes_of
from api.access.principal import Role
from oracle.errors import ConfigError

DAY_MS = 86_400_000


def test_a_key_is_shown_once_and_kept_as_a_digest(site):
    client = site.with_key()
    made = client.post("/v1/keys", json={"scopes": ["read"], "label": "reporting"})
    assert made.status_code == 201
    assert made.headers["cache-control"] == "no-store"
    token = made.json()["key"]
    listed = client.get("/v1/keys").json()["items"]
    assert made.json()["key_id"] in {key["key_id"] for key in listed}
    assert not any("key" in key for key in listed)
    site.access.sweep()
    kept = b"".join(path.read_bytes() for path in site.path.parent.iterdir())
    assert made.json()["key_id"].encode() in kept
    assert token.split("_")[2].encode() not in kept
    assert oct(site.path.stat().st_mode & 0o777) == "0o600"


@pytest.mark.parametrize(
    "forge",
    [
        lambda token: token[:-1] + ("0" if token[-1] != "0" else "1"),
        lambda token: token.upper(),
        lambda token: token + "0",
        lambda token: token[:-1],
        lambda token: token.replace("hgk", "hgs"),
        lambda token: "hgk_" + "0" * 12 + "_" + token.split("_")[2],
        lambda token: "hgk_" + token.split("_")[1] + "_" + "0" * 64,
        lambda token: token.split("_")[2],
        lambda _: "hgk_",
        lambda _: "hgk_'; DROP TABLE api_key; --",
    ],
)
def test_a_forged_key_is_refused_on_public_operations_too(site, refused, forge):
    _, token = site.key()
    forged = {"authorization": f"Bearer {forge(token)}"}
    for path in ("/v1/keys", "/v1/sessions/current"):
        detail = refused(site.client().get(path, headers=forged), 401, "unauthenticated")
        assert "unknown, revoked or expired" in detail  # and which of them is not said


def test_another_scheme_or_two_credentials_are_refused(site, refused):
    _, token = site.key()
    client = site.client()
    for told in (f"Basic {token}", token, f"Bearer {token} x", "Bearer"):
        refused(client.get("/v1/keys", headers={"authorization": told}), 401, "unauthenticated")
    twice = [("authorization", f"Bearer {token}"), ("authorization", f"Bearer {token}")]
    refused(client.get("/v1/keys", headers=twice), 401, "unauthenticated")
    assert client.get("/v1/keys", headers={"authorization": f"bearer {token}"}).status_code == 200


def test_a_revoked_key_is_refused_at_once(site, refused):
    key_id, token = site.key()
    client, operator = site.client(authorization=f"Bearer {token}"), site.with_key()
    assert client.get("/v1/keys").status_code == 200
    assert operator.delete(f"/v1/keys/{key_id}").status_code == 204
    refused(client.get("/v1/keys"), 401, "unauthenticated")


def test_a_key_revoked_by_another_process_is_refused_within_a_second(site, refused):
    key_id, token = site.key()
    client = site.client(authorization=f"Bearer {token}")
    assert client.get("/v1/keys").status_code == 200
    other = site.beside()
    other.revoke_key(key_id)
    revoked_at = time.monotonic()
    while client.get("/v1/keys").status_code == 200:
        assert time.monotonic() - revoked_at < 1
    refused(client.get("/v1/keys"), 401, "unauthenticated")
    other.close()
    assert LOOK_MS <= 1000


def test_a_key_made_by_another_process_works_at_once(site):
    other = site.beside()
    _, token = other.keys.make(role=Role.AUDITOR, scopes=frozenset({"audit"}), label="", now_ms=site.clock())
    other.close()
    assert site.client(authorization=f"Bearer {token}").get("/v1/audit").status_code == 200


def test_an_expired_key_is_refused_though_it_was_remembered(site, refused):
    _, token = site.key(expires_ms=site.clock() + DAY_MS)
    client = site.client(authorization=f"Bearer {token}")
    assert client.get("/v1/keys").status_code == 200
    site.clock.ahead_ms = DAY_MS
    refused(client.get("/v1/keys"), 401, "unauthenticated")


def test_a_key_does_what_its_scopes_say_and_no_more(site, refused):
    reader = site.with_key(scopes=frozenset({"read"}))
    assert "scope keys" in refused(reader.get("/v1/keys"), 403, "forbidden")
    assert "scope audit" in refused(reader.get("/v1/audit"), 403, "forbidden")
    refused(reader.delete("/v1/sessions/current"), 403, "forbidden")
    assert reader.get("/v1/sessions/current").json()["scopes"] == ["read"]


def test_a_key_hands_on_no_more_than_it_has(site, refused):
    few = site.with_key(scopes=frozenset({"read", "keys"}), expires_ms=site.clock() + DAY_MS)
    for asked in (
        {"scopes": ["registry"]},
        {"scopes": ["read", "telemetry"]},
        {"scopes": ["*"]},
        {"scopes": ["read"], "role": "owner"},
        {"scopes": ["read"], "role": "public"},
        {"scopes": ["keys"], "role": "auditor"},
    ):
        detail = refused(few.post("/v1/keys", json={"label": "more", **asked}), 403, "forbidden")
        assert "operator: keys, read; auditor: read" in detail
    (mother,) = few.get("/v1/keys").json()["items"]
    for wish in ({}, {"expires_at": "2100-01-01T00:00:00Z"}):
        child = few.post("/v1/keys", json={"scopes": ["read", "keys"], "label": "", **wish})
        assert child.status_code == 201
        assert child.json()["made_with"] == mother["key_id"]
        assert child.json()["expires_at"] == mother["expires_at"]
    late = site.with_key().post(
        "/v1/keys", json={"scopes": ["read"], "label": "", "expires_at": "2020-01-01T00:00:00Z"}
    )
    refused(late, 422, "invalid-parameter")


def test_whoever_loses_a_key_loses_those_that_were_made_with_it(site, refused):
    key_id, token = site.key()
    child = site.client(authorization=f"Bearer {token}").post(
        "/v1/keys", json={"scopes": ["keys", "read"], "label": ""}
    )
    with_child = site.client(authorization=f"Bearer {child.json()['key']}")
    grandchild = with_child.post("/v1/keys", json={"scopes": ["keys"], "label": ""}).json()
    with_grandchild = site.client(authorization=f"Bearer {grandchild['key']}")
    assert with_grandchild.get("/v1/keys").status_code == 200
    operator = site.with_key()
    assert operator.delete(f"/v1/keys/{key_id}").status_code == 204
    assert {key.key_id for key in site.access.keys.all() if key.revoked_ms} == {
        key_id, child.json()["key_id"], grandchild["key_id"],
    }  # fmt: skip
    for client in (with_child, with_grandchild):
        refused(client.get("/v1/keys"), 401, "unauthenticated")
    assert operator.get("/v1/keys").status_code == 200


def test_an_owners_keys_are_the_owners_own(site, alice, bob, refused):
    client = site.owner(alice)
    made = client.post("/v1/keys", json={"scopes": ["read", "keys"], "label": "a program"}).json()
    assert (made["role"], made["address"]) == ("owner", alice.address)
    program = site.client(authorization=f"Bearer {made['key']}")
    assert program.get("/v1/sessions/current").json()["assets"] == ["alices-roof"]
    refused(client.post("/v1/keys", json={"scopes": ["read"], "label": "", "role": "operator"}), 403, "forbidden")
    refused(client.post("/v1/keys", json={"scopes": ["registry"], "label": ""}), 403, "forbidden")
    theirs, nobodys = (site.owner(bob).delete(f"/v1/keys/{key_id}") for key_id in (made["key_id"], "0" * 12))
    for answer in (theirs, nobodys):
        refused(answer, 404, "not-found")
    assert theirs.content.replace(made["key_id"].encode(), b"?") == nobodys.content.replace(b"0" * 12, b"?")
    assert [key["key_id"] for key in client.get("/v1/keys").json()["items"]] == [made["key_id"]]
    assert site.owner(bob).get("/v1/keys").json()["items"] == []


def test_revoking_says_how_many_keys_were_still_good(site):
    key_id, _ = site.key()
    for _ in range(2):
        site.key(parent=key_id)
    assert site.access.keys.revoke(key_id, site.clock()) == 3
    assert site.access.keys.revoke(key_id, site.clock()) == 0
    assert site.access.keys.revoke("0" * 12, site.clock()) == 0


def test_an_owner_has_so_many_keys_and_no_more(site, alice, refused):
    owner = site.owner(alice)
    for _ in range(MOST_KEYS):
        key_id, _token = site.key(Role.OWNER, frozenset({"read"}), address=alice.address)
    one_more = {"scopes": ["read"], "label": ""}
    assert "revoke" in refused(owner.post("/v1/keys", json=one_more), 409, "conflict")
    assert owner.delete(f"/v1/keys/{key_id}").status_code == 204
    assert owner.post("/v1/keys", json=one_more).status_code == 201


def test_pages_of_keys_hold_all_of_them_once(site):
    client = site.with_key()
    for _ in range(4):
        site.key()
    seen, after = [], None
    while True:
        page = client.get("/v1/keys", params={"limit": 2} | ({"after": after} if after else {})).json()
        seen += [key["key_id"] for key in page["items"]]
        after = page["next"]
        if after is None:
            break
    assert len(seen) == len(set(seen)) == 5
    rows = client.get("/v1/keys", headers={"accept": "text/csv"}).text.splitlines()
    assert len(rows) == 6


def test_when_a_key_was_last_used_is_known(site):
    key_id, token = site.key()
    assert site.access.keys.find(key_id).last_used_ms is None
    before_ms = site.clock()
    site.client(authorization=f"Bearer {token}").get("/v1/sessions/current")
    site.access.sweep()
    assert site.access.keys.find(key_id).last_used_ms >= before_ms


@pytest.mark.parametrize(
    "others",
    [
        {"scopes": frozenset()},
        {"scopes": frozenset({"everything"})},
        {"scopes": frozenset({"*"})},
        {"label": "x" * 101},
        {"label": "two\nlines"},
        {"expires_ms": 0},
        {"expires_ms": 10**15},
        {"address": "0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed"},
        {"role": Role.OWNER},
        {"role": Role.PUBLIC},
        {"role": Role.AUDITOR, "scopes": frozenset({"registry"})},
    ],
)
def test_a_key_that_makes_no_sense_is_not_made(site, others):
    asked = {"role": Role.OPERATOR, "scopes": frozenset({"read"}), "label": "", "now_ms": site.clock()} | others
    with pytest.raises(ConfigError):
        site.access.keys.make(**asked)
    assert site.access.keys.all() == []


def test_what_only_owners_do_is_in_no_operators_scopes():
    assert not {"release", "transactions"} & scopes_of(Role.OPERATOR)
    assert scopes_of(Role.AUDITOR) == {"read", "audit"}
    assert scopes_of(Role.PUBLIC) == set()
