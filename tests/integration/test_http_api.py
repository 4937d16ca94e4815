"""The HTTP API over a settled system."""

import httpx
import pytest

from api.app import create_app
from api.server import serve
from oracle.attestation.proof import decode_anchor, decode_proof
from oracle.attestation.verification import verify_proof


@pytest.fixture
def client(settled_to_read):
    with serve(create_app(settled_to_read.world.views()), 0) as address, httpx.Client(base_url=address) as client:
        yield client


def test_what_an_owner_sees_adds_up(client):
    health = client.get("/healthz").json()
    assert health["status"] == "ok"
    assert health["epoch"] == 1
    assert health["readings"] == 2 * 289
    assets = client.get("/v1/assets").json()
    assert [asset["asset_id"] for asset in assets] == ["liuyang-village-1", "shamshuipo-rooftop-1"]
    assert [asset["claim_right"] for asset in assets] == ["credit", "none"]
    assert [asset["credit_refusal"] for asset in assets] == [None, "no_right"]
    for asset in assets:
        name = asset["asset_id"]
        assert client.get(f"/v1/assets/{name}").json() == asset
        intervals = client.get(f"/v1/assets/{name}/production").json()
        assert sum(row["attested_wh"] for row in intervals) == asset["attested_wh"] > 0
        (minted,) = client.get(f"/v1/assets/{name}/credits").json()
        assert minted["energy_wh"] == asset["attested_wh"]
        assert (minted["credits_g"] > 0) == (asset["claim_right"] == "credit")


def test_readings_are_the_meters_own(settled_to_read, client):
    plant = settled_to_read.world.plants[0]
    span = {"from": "1970-01-01T00:00:00Z", "to": "2100-01-01T00:00:00Z"}
    readings = client.get(f"/v1/assets/{plant.asset_id}/readings", params=span).json()[plant.meter.id]
    truth = list(plant.source.between(settled_to_read.span.after_ms, settled_to_read.span.until_ms))
    assert [(r["time_ms"], r["export_wh"], r["power_w"]) for r in readings] == [
        (r.time_ms, r.export_wh, r.power_w) for r in truth
    ]


def test_a_downloaded_proof_verifies(client):
    proof = decode_proof(client.get("/v1/assets/liuyang-village-1/proof").content)
    anchor = decode_anchor(client.get("/v1/anchor").content)
    steps = verify_proof(proof, anchor)
    assert [step.name for step in steps][-1] == "anchor"


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/v1/assets/nothing", 404),
        ("/v1/assets/nothing/proof", 404),
        ("/v1/nothing", 404),
        ("/v1/assets/liuyang-village-1/production?from=yesterday", 422),
        ("/v1/assets/liuyang-village-1/readings", 422),
    ],
)
def test_errors_are_problem_documents(client, path, status):
    answer = client.get(path)
    assert answer.status_code == status
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["status"] == status
    assert answer.json()["detail"]


def test_no_page_loads_anything_from_elsewhere(client):
    assert client.get("/docs").status_code == 404
    assert client.get("/redoc").status_code == 404
    assert client.get("/openapi.json").json()["info"]["title"] == "Heliograph"
