"""Which signed messages open a session, over HTTP."""

import threading

import pytest
from eth_account import Account

from api.http.problems import ProblemError
from api.instants import write_instant
from oracle.errors import ChainError


def test_a_signed_message_opens_a_session_that_knows_what_is_theirs(site, alice):
    client = site.client()
    opened = site.sign_in(alice, client=client)
    assert opened.status_code == 201
    assert opened.headers["cache-control"] == "no-store"
    token = opened.json().pop("token")
    me = site.client(authorization=f"Bearer {token}").get("/v1/sessions/current").json()
    assert me == {key: opened.json()[key] for key in me}
    assert (me["role"], me["address"], me["assets"]) == ("owner", alice.address, ["alices-roof"])
    assert client.get("/v1/sessions/current").json() is None  # a token is no cookie


def test_a_browser_gets_a_cookie_that_no_script_sees(site, alice):
    client = site.client()
    opened = site.sign_in(alice, keep="cookie", client=client)
    assert opened.json()["token"] is None
    cookie = opened.headers["set-cookie"]
    assert cookie.startswith("heliograph_session=hgs_")
    for part in ("HttpOnly", "SameSite=strict", "Secure", "Path=/", "Max-Age=43200"):
        assert part in cookie
    name, _, content = cookie.partition(";")[0].partition("=")
    browser = site.client(cookie=f"{name}={content}")
    assert browser.get("/v1/sessions/current").json()["address"] == alice.address


def test_a_nonce_opens_one_session(site, alice, refused):
    text = site.message(alice)
    assert site.sign_in(alice, text).status_code == 201
    assert "used" in refused(site.sign_in(alice, text), 401, "sign-in-refused")


def test_of_two_that_come_at_once_with_one_nonce_one_gets_in(site, alice):
    text = site.message(alice)
    begin, answers = threading.Barrier(8), []

    def sign_in():
        client = site.client()
        begin.wait()
        answers.append(site.sign_in(alice, text, client=client).status_code)

    threads = [threading.Thread(target=sign_in) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(answers) == [201] + [401] * 7


def test_a_replay_is_refused_after_a_restart_too(site, alice, sign):
    text = site.message(alice)
    assert site.sign_in(alice, text).status_code == 201
    other = site.beside()
    site.access.sweep()
    other.sweep()
    try:
        with pytest.raises(ProblemError, match="used"):
            other._sign_in.open(text, bytes.fromhex(sign(alice, text)[2:]), site.clock())
    finally:
        other.close()


@pytest.mark.parametrize(
    ("found", "put", "why"),
    [
        ("sun.example:8443 wants", "moon.example wants", "domain"),
        ("sun.example:8443 wants", "sun.example wants", "domain"),
        ("sun.example:8443 wants", "http://sun.example:8443 wants", "domain"),
        ("sun.example:8443 wants", "sun.example:8443.moon.example wants", "domain"),
        ("URI: https://sun.example:8443", "URI: https://moon.example", "URI"),
        ("URI: https://sun.example:8443", "URI: https://sun.example:8443.moon.example/", "URI"),
        ("URI: https://sun.example:8443", "URI: https://sun.example:8443@moon.example/", "URI"),
        ("URI: https://sun.example:8443", "URI: http://sun.example:8443", "URI"),
        ("Chain ID: 31337", "Chain ID: 1", "chain"),
        ("Nonce: ", "Nonce: 0", "nonce"),
        ("Version: 1", "Version: 2", "Version"),
    ],
)
def test_a_message_for_somebody_else_is_refused(site, alice, refused, found, put, why):
    text = site.message(alice)
    assert found in text
    assert why in refused(site.sign_in(alice, text.replace(found, put, 1)), 401, "sign-in-refused")
    assert site.sign_in(alice, text).status_code == 201  # and that used nothing up


def test_a_made_up_nonce_is_refused(site, alice, refused):
    text = site.message(alice)
    nonce = text.split("Nonce: ")[1].split("\n")[0]
    for made_up in ("a" * len(nonce), nonce[:-1] + ("0" if nonce[-1] != "0" else "1"), "deadbeef", nonce[:-1]):
        assert "nonce" in refused(site.sign_in(alice, text.replace(nonce, made_up)), 401, "sign-in-refused")


def _stamped(text, **lines):
    """The message with other instants."""
    kept = [line for line in text.split("\n") if not line.startswith("Expiration Time")]
    issued = next(at for at, line in enumerate(kept) if line.startswith("Issued At"))
    if "issued" in lines:
        kept[issued] = f"Issued At: {lines['issued']}"
    for name, key in (("Expiration Time", "expires"), ("Not Before", "not_before")):
        if key in lines:
            kept.append(f"{name}: {lines[key]}")
    return "\n".join(kept)


def test_instants_are_held_against_the_clock(site, alice, refused):
    def at(offset_s):
        return write_instant(site.clock() + offset_s * 1000)

    def signed(**lines):
        return site.sign_in(alice, _stamped(site.message(alice), **lines))

    assert signed().status_code == 201  # an expiry is not required: the nonce has one
    assert signed(expires=at(60), not_before=at(-5)).status_code == 201
    assert signed(issued=at(30)).status_code == 201  # a wallet's clock may be a little off
    assert "expired" in refused(signed(expires=at(-1)), 401, "sign-in-refused")
    assert "not valid yet" in refused(signed(not_before=at(60)), 401, "sign-in-refused")
    assert "future" in refused(signed(issued=at(600)), 401, "sign-in-refused")
    assert "older" in refused(signed(issued=at(-3600)), 401, "sign-in-refused")


def test_a_message_signed_too_late_is_refused(site, alice, refused):
    text = _stamped(site.message(alice))
    site.clock.ahead_ms = 11 * 60_000
    assert "too old" in refused(site.sign_in(alice, text), 401, "sign-in-refused")


def test_a_message_altered_after_it_was_signed_is_refused(site, alice, sign, refused):
    text = site.message(alice)
    signature = sign(alice, text)
    altered = text.replace("This costs nothing", "This costs something")
    answer = site.client().post("/v1/sessions", json={"message": altered, "signature": signature})
    assert "signature" in refused(answer, 401, "sign-in-refused")


def test_a_signature_of_somebody_else_is_refused(site, alice, bob, sign, refused):
    text = site.message(alice)
    mine = sign(bob, text)
    foreign = Account.from_key(b"\x09" * 32)
    for signature in (mine, sign(foreign, text), "0x", "0x" + "00" * 65, "0x" + "ff" * 65, sign(alice, text)[:-2]):
        answer = site.client().post("/v1/sessions", json={"message": text, "signature": signature})
        assert "signature" in refused(answer, 401, "sign-in-refused")


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"message": "hello"},
        {"message": "hello", "signature": "hello"},
        {"message": "hello", "signature": "0x0"},
        {"message": "hello", "signature": "0x00", "keep": "for ever"},
        {"message": "hello", "signature": "0x00", "admin": True},
        {"message": "h" * 5000, "signature": "0x00"},
        {"message": "hello", "signature": "0x" + "00" * 5000},
    ],
)
def test_what_is_no_sign_in_at_all_is_a_problem_document(site, refused, body):
    refused(site.client().post("/v1/sessions", json=body), 422, "invalid-parameter")


def test_a_session_ends_by_itself(site, alice, refused):
    client = site.owner(alice)
    assert client.get("/v1/keys").status_code == 200
    site.clock.ahead_ms = 12 * 3_600_000 + 1000
    refused(client.get("/v1/keys"), 401, "unauthenticated")


def test_signing_out_ends_the_session_at_once_and_everywhere(site, alice, refused):
    token = site.sign_in(alice).json()["token"]
    one, other = (site.client(authorization=f"Bearer {token}") for _ in range(2))
    assert other.get("/v1/keys").status_code == 200
    assert one.delete("/v1/sessions/current").status_code == 204
    refused(other.get("/v1/keys"), 401, "unauthenticated")


class _Wallets:
    """Contracts as a chain would answer for them."""

    def __init__(self):
        self.asked, self.is_away = [], False

    def accepts(self, address, digest, signature):
        if self.is_away:
            raise ChainError("the chain does not answer")
        self.asked.append((address, digest, signature))
        return signature == b"please"


def test_an_account_with_a_key_needs_no_chain_and_a_contract_does(make_site, alice, bob, sign, refused):
    wallets = _Wallets()
    site = make_site(wallets=wallets)
    wallets.is_away = True
    assert site.sign_in(alice).status_code == 201
    text = site.message(alice)
    away = site.client().post("/v1/sessions", json={"message": text, "signature": sign(bob, text)})
    assert (away.status_code, away.json()["type"]) == (503, "/problems/chain-away")
    assert int(away.headers["retry-after"]) > 0
    wallets.is_away = False
    body = {"message": text, "signature": "0x" + b"please".hex()}
    assert site.client().post("/v1/sessions", json=body).status_code == 201
    assert wallets.asked[-1][0] == alice.address
    refused(site.client().post("/v1/sessions", json=body), 401, "sign-in-refused")
