"""Changes of the registry as they are prepared: the chain takes them from whoever has the role, and nodes read the new lists."""

import shutil

import pytest

from api.demo.chains import start_chain
from api.http.problems import NotFoundProblem, ProblemError
from api.transactions.orders import CommissionOrder, MeterOrder, ProjectTerms, RegisterOrder, RotateOrder
from contracts.state import AssetStatus, Role, to_bytes32
from oracle.transmitter.web3_chain import Web3Chain
from tests.support.contract_deployment import revert, snapshot
from tests.support.prepared_site import OWNER, STRANGER, build, send, with_fresh_eyes

HOUR_S = 3600
WHEN = "2026-06-01T00:00:00Z"


@pytest.fixture(scope="module", name="settled_contracts", params=["eth-tester", "anvil"])
def settled_contracts_fixture(request, require):
    if request.param == "anvil":
        how = "npm ci in contracts/, then contracts/node_modules/@foundry-rs/anvil-*/bin on the PATH"
        require("anvil", shutil.which("anvil"), how)
    with start_chain(request.param) as chain:
        yield build(chain.connect())


@pytest.fixture
def site(settled_contracts):
    before = snapshot(settled_contracts.web3)
    yield with_fresh_eyes(settled_contracts)
    revert(settled_contracts.web3, before)


def registrar_sends(site, prepared):
    """Send all steps from the account that has the role, which its node unlocks."""
    for step in prepared.steps:
        request = {"from": site.admin, "to": step.to, "data": step.data}
        receipt = site.web3.eth.wait_for_transaction_receipt(site.web3.eth.send_transaction(request))
        assert receipt["status"] == 1, step.function


def snapshot_of(site):
    chain = Web3Chain(site.web3, site.book, finality="latest")
    return chain.registry_at(chain.finalized_block())


def refused(reason):
    return pytest.raises(ProblemError, match=r".+", check=lambda error: error.members.get("reason") == reason)


def order(site, **changes):
    given = {
        "asset_id": "new-roof",
        "project_id": "rooftops",
        "beneficiary": OWNER.address,
        "nameplate_w": 5_000,
        "commissioned_at": WHEN,
        "utc_offset_s": 28_800,
        "factor_ceiling_g_per_mwh": 700_000,
        "tariff_ceiling_minor_per_mwh": 4_000_000_000,
        "capacity_factor_ceiling_ppm": 250_000,
        "sender": site.admin,
    }
    return RegisterOrder.model_validate(given | changes)


def meter(site, **changes):
    given = {
        "meter_id": "inverter",
        "device_id": "device-c",
        "thumbprint": "0x" + "0303" * 16,
        "nameplate_w": 8_000,
        "baseline_wh": 77,
        "baseline_at": "2026-06-01T08:00:00.250+08:00",
        "sender": site.admin,
    }
    return MeterOrder.model_validate(given | changes)


def rotation(site, **changes):
    given = {
        "device_id": "device-z",
        "thumbprint": "0x" + "7f" * 32,
        "baseline_wh": 5_000,
        "baseline_at": WHEN,
        "revoked_boot": 3,
        "revoked_sequence": 4_711,
        "sender": site.admin,
    }
    return RotateOrder.model_validate(given | changes)


def test_an_asset_is_registered_then_commissioned(site):
    prepared = site.transactions.register_asset(order(site))
    (step,) = prepared.steps
    assert (step.function, step.says.values["asset_id"]) == ("AssetRegistry.setAsset", "new-roof")
    assert step.gas_estimate > 21_000
    registrar_sends(site, prepared)
    found = snapshot_of(site).assets["new-roof"]
    assert (found.beneficiary, found.nameplate_w, found.status) == (OWNER.address, 5_000, AssetStatus.SUSPENDED)
    with pytest.raises(ProblemError, match="registered already"):
        site.transactions.register_asset(order(site))
    commissioning = CommissionOrder.model_validate(
        {"commissioned_at": "2026-07-01T00:00:00+08:00", "nameplate_w": 6_000, "sender": site.admin}
    )
    registrar_sends(site, site.transactions.commission("new-roof", commissioning))
    found = snapshot_of(site).assets["new-roof"]
    assert (found.status, found.nameplate_w, found.commissioned_s) == (AssetStatus.ACTIVE, 6_000, 1_782_835_200)
    assert (found.project_id, found.tariff_ceiling_minor_per_mwh) == ("rooftops", 4_000_000_000)
    with pytest.raises(NotFoundProblem):
        site.transactions.commission("nothing", commissioning)


def test_a_new_project_comes_before_its_asset(site):
    currency = site.book.addresses["HKDStablecoin"]
    terms = {"currency": currency, "methodology": "AMS-I.D", "claim_right": "credit", "assurance": "gateway_signed"}
    with refused("UnknownProject"):
        site.transactions.register_asset(order(site, project_id="farms"))
    with refused("DocumentMissing"):
        site.transactions.register_asset(order(site, project_id="farms", project=ProjectTerms.model_validate(terms)))
    terms["document_sha256"] = "0x" + "d0" * 32
    prepared = site.transactions.register_asset(
        order(site, project_id="farms", project=ProjectTerms.model_validate(terms))
    )
    assert [step.says.key for step in prepared.steps] == ["register_project", "register_asset"]
    registrar_sends(site, prepared)
    snapshot_now = snapshot_of(site)
    assert snapshot_now.assets["new-roof"].project_id == "farms"
    assert snapshot_now.projects["farms"].document_hash == b"\xd0" * 32


def test_a_meter_is_listed_beside_those_that_were_there(site):
    before = snapshot_of(site).meters["rooftops"]
    prepared = site.transactions.add_meter("lamma-1", meter(site))
    registrar_sends(site, prepared)
    listed = snapshot_of(site).meters["rooftops"]  # held against its root: a wrong one lists nothing
    assert set(before) < set(listed)
    (added,) = set(listed) - set(before)
    assert (added.asset_id, added.device_id, added.baseline_wh) == ("lamma-1", "device-c", 77)
    assert added.baseline_time_ms == 1_780_272_000_250
    with pytest.raises(ProblemError, match="listed already"):
        site.transactions.add_meter("lamma-1", meter(site))
    with refused("MetersNotAscending"):
        site.transactions.add_meter("lamma-1", meter(site, device_id="device-d"))


def test_a_key_is_cut_off_where_the_device_said_so_and_another_takes_its_place(site):
    with pytest.raises(ProblemError, match="several valid keys"):
        site.transactions.rotate_key("shatin-1", "inverter", rotation(site))
    registrar_sends(site, site.transactions.revoke_key("shatin-1", "inverter", "device-b", 1, 2, site.admin))
    registrar_sends(site, site.transactions.rotate_key("shatin-1", "inverter", rotation(site)))
    listed = {one.device_id: one for one in snapshot_of(site).meters["rooftops"]}
    assert (listed["device-b"].revoked_boot, listed["device-b"].revoked_sequence) == (1, 2)
    assert (listed["device-a"].revoked_boot, listed["device-a"].revoked_sequence) == (3, 4_711)
    assert listed["device-z"].baseline_wh == 5_000
    assert listed["device-z"].role == listed["device-a"].role
    registrar_sends(site, site.transactions.revoke_key("shatin-1", "inverter", None, 0, 0, site.admin))
    with pytest.raises(ProblemError, match="has no valid key"):
        site.transactions.revoke_key("shatin-1", "inverter", None, 0, 0, site.admin)
    with pytest.raises(NotFoundProblem):
        site.transactions.revoke_key("shatin-1", "nothing", None, 0, 0, site.admin)


def test_a_list_that_is_being_changed_is_not_changed_from_an_older_one(site):
    # A registry that lags behind the newest block, as one does until a block is final.
    stale = site.transactions._chain.registry()
    registrar_sends(site, site.transactions.add_meter("lamma-1", meter(site)))
    site.transactions._chain.registry = lambda: stale
    try:
        with pytest.raises(ProblemError, match="not final"):
            site.transactions.add_meter("shatin-1", meter(site, device_id="device-e", thumbprint="0x" + "05" * 32))
    finally:
        del site.transactions._chain.registry


def test_without_the_role_nothing_is_prepared_and_without_a_sender_nothing_is_tried(site):
    with refused("AccessManagedUnauthorized") as told:
        site.transactions.register_asset(order(site, sender=STRANGER.address))
    assert STRANGER.address in told.value.detail
    (step,) = site.transactions.register_asset(order(site, sender=None)).steps
    assert (step.from_, step.gas_estimate) == (None, None)


def test_a_registrar_with_a_delay_announces_and_carries_out_later(site):
    site.chain.send("AccessManager", "grantRole", int(Role.REGISTRAR), STRANGER.address, HOUR_S)
    prepared = site.transactions.register_asset(order(site, sender=STRANGER.address))
    announce, carry_out = prepared.steps
    assert (announce.function, carry_out.function) == ("AccessManager.schedule", "AccessManager.execute")
    assert announce.says.values == {
        "asset_id": "new-roof", "project_id": "rooftops", "what": "register_asset", "delay_s": HOUR_S,
    }  # fmt: skip
    assert send(site.web3, STRANGER, announce)["status"] == 1
    with refused("AccessManagerAlreadyScheduled"):
        site.transactions.register_asset(order(site, sender=STRANGER.address))
    assert send(site.web3, STRANGER, carry_out, gas=500_000)["status"] == 0  # too early
    pass_time(site, HOUR_S + 1)
    assert send(site.web3, STRANGER, carry_out)["status"] == 1
    assert site.chain.read("AssetRegistry", "asset", to_bytes32("new-roof"))[-1] == AssetStatus.SUSPENDED


def pass_time(site, seconds):
    if hasattr(site.web3.provider, "ethereum_tester"):
        now_s = site.web3.eth.get_block("latest")["timestamp"]
        site.web3.provider.ethereum_tester.time_travel(now_s + seconds)
    else:
        site.web3.provider.make_request("evm_increaseTime", [seconds])
        site.web3.provider.make_request("evm_mine", [])
