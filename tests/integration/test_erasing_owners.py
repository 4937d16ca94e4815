"""An owner is erased from every file of the application; what is the asset's stays."""

from hashlib import sha256

import pytest

from api.depot.depot import ERASED
from tests.integration.conftest import settled_system
from tests.support.authorised_site import authorised_site


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    folder = tmp_path_factory.mktemp("erased")
    with settled_system(folder) as system, authorised_site(folder, system) as site:
        yield site


def test_details_sessions_webhooks_and_who_handed_documents_in_are_gone(site):
    owner, token = site.owner.address, site.session(site.owner)
    path, documents = f"/v1/owners/{owner}", f"/v1/assets/{site.plant.asset_id}/documents"
    assert site.call("PUT", path, token, json={"name": "A Village School"}).status_code == 204
    hook = {"url": "http://127.0.0.1:9/", "kinds": ["mint"]}
    assert site.call("POST", "/v1/webhooks", token, json=hook).status_code == 201
    deed = b"a deed"
    headers = {"content-type": "text/plain"}
    put = site.call("PUT", f"{documents}/{sha256(deed).hexdigest()}", token, content=deed, headers=headers)
    assert put.status_code == 201, put.text
    assert owner in {each["put_by"] for each in site.call("GET", documents, token).json()["items"]}
    before = site.call("GET", documents, token).json()["items"]

    assert site.call("DELETE", path, token).status_code == 204

    assert site.call("GET", "/v1/sessions/current", token).status_code == 401
    again = site.session(site.owner)
    assert site.call("GET", path, again).json()["name"] is None
    assert site.call("GET", "/v1/webhooks", again).json()["items"] == []
    after = site.call("GET", documents, again).json()["items"]
    assert [each["sha256"] for each in after] == [each["sha256"] for each in before]
    assert owner not in {each["put_by"] for each in after}
    assert ERASED in {each["put_by"] for each in after}
