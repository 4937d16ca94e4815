"""A cookie comes along with whatever a browser sends, so it alone does not write."""

import pytest

from api.access.access import COOKIE


@pytest.fixture(name="browser")
def browser_fixture(site, alice):
    token = site.sign_in(alice).json()["token"]
    return site.client(cookie=f"{COOKIE}={token}")


@pytest.mark.parametrize("header", [{}, {"X-Heliograph": "0"}, {"X-Heliograph": ""}, {"X-Heliograph": "true"}])
def test_a_write_with_a_cookie_needs_the_header(site, alice, browser, refused, header):
    for method, path, body in (
        ("POST", "/v1/keys", {"scopes": ["read"], "label": ""}),
        ("DELETE", "/v1/keys/000000000000", None),
        ("PUT", f"/v1/owners/{alice.address}", {}),
        ("DELETE", f"/v1/owners/{alice.address}", None),
        ("DELETE", "/v1/sessions/current", None),
    ):
        answer = browser.request(method, path, json=body, headers=header)
        assert "X-Heliograph" in refused(answer, 403, "unconfirmed-write")
    assert site.access.keys.all() == []
    assert browser.get("/v1/sessions/current").json()["address"] == alice.address


def test_with_the_header_it_writes(browser):
    confirmed = {"X-Heliograph": "1"}
    assert browser.post("/v1/keys", json={"scopes": ["read"], "label": ""}, headers=confirmed).status_code == 201
    gone = browser.delete("/v1/sessions/current", headers=confirmed)
    assert gone.status_code == 204
    assert f'{COOKIE}=""' in gone.headers["set-cookie"]
    assert browser.get("/v1/sessions/current").json() is None


def test_a_bearer_token_needs_no_header(site, alice):
    assert site.owner(alice).post("/v1/keys", json={"scopes": ["read"], "label": ""}).status_code == 201


@pytest.mark.parametrize("content", ["", "hgs_" + "0" * 12 + "_" + "0" * 64, "x" * 3000, "%00", '"'])
def test_a_cookie_that_does_not_hold_is_none(site, refused, content):
    browser = site.client(cookie=f"{COOKIE}={content}")
    assert browser.get("/v1/sessions/current").json() is None
    refused(browser.get("/v1/keys"), 401, "unauthenticated")


def test_what_a_request_says_goes_before_what_the_browser_sends_along(site, browser, refused):
    _, token = site.key()
    both = site.client(cookie=browser.headers["cookie"], authorization=f"Bearer {token}")
    assert both.get("/v1/sessions/current").json()["role"] == "operator"
    wrong = site.client(cookie=browser.headers["cookie"], authorization="Bearer hgk_0")
    refused(wrong.get("/v1/sessions/current"), 401, "unauthenticated")


def test_a_key_in_a_cookie_is_nothing(site):
    _, token = site.key()
    assert site.client(cookie=f"{COOKIE}={token}").get("/v1/sessions/current").json() is None
