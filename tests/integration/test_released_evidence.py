"""An owner releases the evidence of a plant, and anyone verifies a retirement of its credits down to the readings."""

import json

import pytest

from oracle.attestation.proof import decode_anchor, proof_from_document
from oracle.attestation.verification import verify_proof
from tests.integration.conftest import settled_system
from tests.support.authorised_site import authorised_site


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    folder = tmp_path_factory.mktemp("released")
    with settled_system(folder) as system, authorised_site(folder, system) as site:
        yield site


def release(site, *, released, key=None, account=None):
    headers = {"idempotency-key": key} if key else {}
    path = f"/v1/assets/{site.plant.asset_id}/release"
    return site.call("PUT", path, site.session(account or site.owner), json={"released": released}, headers=headers)


def stands(site, account=None):
    path = f"/v1/assets/{site.plant.asset_id}/release"
    answer = site.call("GET", path, site.session(account) if account else site.key())
    assert answer.status_code == 200, answer.text
    return answer.json()


def test_the_owner_decides_what_anyone_sees(site):
    never = {"released": False, "asset_id": site.plant.asset_id, "at": None}
    assert stands(site) == stands(site, site.owner) == never
    sealed = site.call("GET", "/v1/retirements/1/proof")
    assert sealed.status_code == 200, sealed.text
    told = json.loads(sealed.content)
    assert (told["withheld"], told["proofs"]) == ([site.plant.asset_id], [])
    answer = release(site, released=True)
    assert (answer.status_code, answer.json()["released"]) == (200, True)
    assert stands(site) == answer.json()
    opened = site.call("GET", "/v1/retirements/1/proof")
    assert opened.headers["etag"] != sealed.headers["etag"]
    (document,) = json.loads(opened.content)["proofs"]
    anchor = decode_anchor(site.call("GET", "/v1/anchor").content)
    assert [step.name for step in verify_proof(proof_from_document(document), anchor)][-1] == "anchor"
    assert release(site, released=False).json() == stands(site, site.owner)
    assert not stands(site)["released"]
    again = json.loads(site.call("GET", "/v1/retirements/1/proof").content)
    assert (again["withheld"], again["proofs"]) == ([site.plant.asset_id], [])


def test_nobody_else_releases_it(site):
    assert release(site, released=True, account=site.other).status_code == 404
    path = f"/v1/assets/{site.plant.asset_id}/release"
    assert site.call("PUT", path, site.key(), json={"released": True}).status_code == 403
    assert site.call("PUT", path, json={"released": True}).status_code == 401


@pytest.mark.parametrize(
    "body", ["true", "{}", '{"released": 1}', '{"released": "yes"}', '{"released": true, "more": 1}']
)
def test_only_a_plain_word_releases(site, body):
    path = f"/v1/assets/{site.plant.asset_id}/release"
    headers = {"content-type": "application/json"}
    answer = site.call("PUT", path, site.session(site.owner), content=body, headers=headers)
    assert (answer.status_code, answer.json()["type"]) == (422, "/problems/invalid-parameter")


def test_a_write_that_is_sent_twice_is_done_once_and_both_are_on_record(site):
    token = site.session(site.owner)
    path, headers = f"/v1/assets/{site.plant.asset_id}/release", {"idempotency-key": "release-1"}
    first, second = (site.call("PUT", path, token, json={"released": False}, headers=headers) for _ in range(2))
    assert (first.status_code, first.content) == (second.status_code, second.content)
    assert second.headers["idempotency-replayed"] == "true"
    other = site.call("PUT", path, token, json={"released": True}, headers=headers)
    assert (other.status_code, other.json()["type"]) == (422, "/problems/idempotency-key-reused")
    rows = site.call("GET", "/v1/audit", site.key(), params={"limit": 1000}).json()["items"]
    put = [row for row in rows if row["operation"] == "evidence_release" and row["status"] == 200]
    assert [row["target"] for row in put[-2:]] == [site.plant.asset_id] * 2


def test_the_token_leads_to_its_retirement_and_on_to_the_plant(site):
    token = site.call("GET", f"/v1/tokens/{site.credit_id}").json()
    assert (token["project_id"], token["vintage"], token["retired_g"]) == (site.project, site.vintage, 100)
    assert token["assets"] == [site.plant.asset_id]
    (retirement,) = site.call("GET", "/v1/retirements").json()["items"]
    assert site.call("GET", "/v1/retirements/1").json() == retirement
    assert (retirement["credit_id"], retirement["grams"]) == (token["credit_id"], 100)
    assert (retirement["first_serial"], retirement["last_serial"]) == (1, 100)
    of_owner = site.call("GET", "/v1/retirements", params={"beneficiary": site.owner.address.lower()}).json()
    assert [one["number"] for one in of_owner["items"]] == [1]
    nobody = "0x" + "00" * 19 + "01"
    assert site.call("GET", "/v1/retirements", params={"beneficiary": nobody}).json()["items"] == []
