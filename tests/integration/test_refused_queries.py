"""What a query asks for must be there, and fit: else a problem says so, to operators as to owners."""

import pytest

from tests.integration.conftest import settled_system
from tests.support.authorised_site import authorised_site


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    folder = tmp_path_factory.mktemp("refused")
    with settled_system(folder) as system, authorised_site(folder, system) as site:
        yield site


@pytest.mark.parametrize("path", ["/v1/status", "/v1/events", "/v1/revenue/deposits", "/v1/revenue/claims"])
def test_a_plant_that_is_not_there_is_not_an_empty_list(site, path):
    for query in ({"asset_id": "nowhere"}, {"asset_id": ["false", "0.34"]}):
        answer = site.call("GET", path, site.key(), params=query | {"format": "json"})
        assert (answer.status_code, answer.json()["type"]) == (404, "/problems/not-found"), query


@pytest.mark.parametrize(("boot", "sequence"), [("1", str(2**64 - 1)), (str(2**64), "0"), ("one", "0"), ("-1", "0")])
def test_envelopes_count_with_64_bits(site, boot, sequence):
    path = f"/v1/assets/{site.plant.asset_id}/meters/meter-1/key"
    answer = site.call("DELETE", path, site.key(), params={"boot": boot, "sequence": sequence})
    assert (answer.status_code, answer.json()["type"]) == (422, "/problems/invalid-parameter")
    (error,) = answer.json()["errors"]
    assert error["where"] == ("query.boot" if sequence == "0" else "query.sequence")
