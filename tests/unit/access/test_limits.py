"""How often somebody may ask."""

import pytest
from starlette.requests import HTTPConnection

from api.access.access import _address
from api.access.limits import NO_LIMITS, UNLIMITED, Buckets, Limits, Rate
from api.http.problems import ProblemError


def test_a_bucket_gives_its_burst_and_then_its_rate():
    buckets = Buckets(Rate(2, 3))
    for _ in range(3):
        buckets.take("a", 100.0)
    with pytest.raises(ProblemError) as refused:
        buckets.take("a", 100.0)
    assert refused.value.retry_after_s == 1
    buckets.take("b", 100.0)  # another's bucket is another's
    with pytest.raises(ProblemError):
        buckets.take("a", 100.25)
    buckets.take("a", 100.5)
    with pytest.raises(ProblemError):
        buckets.take("a", 100.5)
    for _ in range(3):
        buckets.take("a", 1000.0)  # full again, and no fuller
    with pytest.raises(ProblemError):
        buckets.take("a", 1000.0)


def test_a_slow_bucket_says_how_long_to_wait():
    buckets = Buckets(Rate(0.1, 1))
    buckets.take("a", 0.0)
    with pytest.raises(ProblemError) as refused:
        buckets.take("a", 4.0)
    assert refused.value.retry_after_s == 6
    buckets.take("a", 10.0)


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("192.0.2.1", "192.0.2.2", False),
        ("2001:db8:0:1::1", "2001:db8:0:1:ffff::9", True),
        ("2001:db8:0:1::1", "2001:db8:0:2::1", False),
        ("fe80::1%eth0", "fe80::2%eth0", True),
    ],
)
def test_addresses_that_one_household_can_take_share_a_bucket(one, other, same):
    def bucket(host):
        return _address(HTTPConnection({"type": "http", "headers": [], "client": (host, 1)}))

    assert (bucket(one) == bucket(other)) is same


def test_no_limit_is_none():
    buckets = Buckets(UNLIMITED)
    for _ in range(10_000):
        buckets.take("a", 0.0)


def test_each_credential_has_a_bucket_of_its_own(make_site, alice, refused):
    site = make_site(Limits(public=Rate(0.01, 1000), signed_in=Rate(0.01, 3)))
    owner, operator = site.owner(alice), site.with_key()
    for _ in range(3):
        assert owner.get("/v1/keys").status_code == 200
    assert "try again in" in refused(owner.get("/v1/keys"), 429, "too-many-requests")
    assert operator.get("/v1/keys").status_code == 200
    assert site.client().get("/v1/sessions/current").status_code == 200


def test_sign_ins_and_guesses_have_buckets_of_their_own(make_site, alice, refused):
    site = make_site(Limits(sign_in=Rate(0.01, 3), refused=Rate(0.01, 2)))
    assert site.sign_in(alice).status_code == 201
    client = site.client()
    assert client.post("/v1/sessions/nonce").status_code == 200
    refused(client.post("/v1/sessions/nonce"), 429, "too-many-requests")
    refused(client.post("/v1/sessions", json={"message": "", "signature": "0x"}), 429, "too-many-requests")
    guess = site.client(authorization="Bearer hgk_" + "0" * 12 + "_" + "0" * 64)
    for _ in range(2):
        refused(guess.get("/v1/keys"), 401, "unauthenticated")
    refused(guess.get("/v1/keys"), 429, "too-many-requests")
    assert site.with_key().get("/v1/keys").status_code == 200


def test_measurements_are_not_limited(make_site):
    site = make_site(NO_LIMITS)
    client = site.client()
    for _ in range(200):
        assert client.get("/v1/sessions/current").status_code == 200
