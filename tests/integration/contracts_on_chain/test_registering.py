"""Deploying the contracts and registering plants on an in-process chain, as Python sees it, and what is refused."""

from dataclasses import replace

import pytest
from eth_account import Account
from eth_utils.crypto import keccak

from contracts import CONTRACTS
from contracts.address_book import MADE_BY_OTHERS, connect
from contracts.deployment import deploy, register
from contracts.plan import CONSTRUCTORS
from contracts.state import (
    Asset,
    ListedMeter,
    Project,
    from_bytes32,
    to_bytes32,
)
from contracts.transaction import ChainRefusalError
from tests.support.contract_deployment import CODE_LIMIT, METERS, NODES, ROOTS, asset, project_of, statement


def test_deployment_tells_its_steps_and_writes_down_where_it_is(deployment, steps):
    deployed = [step.removeprefix("deploy ") for step in steps if step.startswith("deploy ")]
    assert [name for name in deployed if name != "the deployment proxy"] == list(CONSTRUCTORS)
    assert steps[-1] == "wire the roles"
    assert set(deployment.book.addresses) == set(CONTRACTS) - set(MADE_BY_OTHERS)
    assert deployment.book.chain_id == deployment.web3.eth.chain_id
    for address in deployment.book.addresses.values():
        assert 0 < len(deployment.web3.eth.get_code(address)) < CODE_LIMIT


def test_the_registry_reads_back_what_was_registered(deployment):
    read = deployment.read
    assert [word.rstrip(b"\0") for word in read("AssetRegistry", "assetIds")] == [b"shatin-1", b"lamma-1"]
    (project_id,) = read("AssetRegistry", "projectIds")
    root = read("AssetRegistry", "metersRoot", project_id)
    project = Project.from_abi(project_id, read("AssetRegistry", "project", project_id), root)
    assert project == replace(project_of(deployment.book), meters_root=ROOTS["rooftops"])
    struct = read("AssetRegistry", "asset", to_bytes32("lamma-1"))
    assert Asset.from_abi(to_bytes32("lamma-1"), struct) == asset("lamma-1", deployment.admin)
    (event,) = deployment.contract("AssetRegistry").events.MetersSet().get_logs(from_block=deployment.book.block)
    listed = [ListedMeter.from_abi(tuple(one.values())) for one in event["args"]["meters"]]
    assert listed == sorted(METERS, key=lambda one: one.thumbprint)


def test_a_key_serves_one_meter_only(deployment):
    stolen = replace(METERS[0], asset_id="lamma-1")
    assets = [asset("lamma-1", deployment.admin)]
    with pytest.raises(ChainRefusalError, match=r"^list the meters of rooftops: KeyOfAnotherMeter"):
        register(deployment.web3, deployment.admin, deployment.book, [], assets, [stolen], ROOTS)


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"thumbprint": b"\3" * 32}, "MeterOfAnotherKey"),
        ({"meter_id": "-"}, r"InvalidName\(name=-\)"),
        ({"device_id": "a b"}, r"InvalidName\(name=a b\)"),
        ({"device_id": "d" * 29}, "InvalidName"),
        ({"nameplate_w": 0}, r"NameplateOutOfRange\(nameplateW=0\)"),
        ({"nameplate_w": 1_000_000_001}, "NameplateOutOfRange"),
        ({"baseline_wh": 2**53}, "BaselineOutOfRange"),
        ({"baseline_time_ms": 2**53}, "BaselineOutOfRange"),
    ],
)
def test_a_meter_that_would_stop_the_nodes_is_not_listed(deployment, changes, reason):
    listed = replace(METERS[0], **changes)
    with pytest.raises(ChainRefusalError, match=reason):
        deployment.send("AssetRegistry", "setMeters", to_bytes32("rooftops"), keccak(b"root"), [listed.to_abi()])


def test_an_asset_without_power_is_not_registered(deployment):
    powerless = replace(asset("new", deployment.admin), nameplate_w=0)
    with pytest.raises(ChainRefusalError, match=r"NameplateOutOfRange\(nameplateW=0\)"):
        deployment.send("AssetRegistry", "setAsset", to_bytes32("new"), powerless.to_abi())


@pytest.mark.parametrize(
    "raw",
    [
        b"a", b"0", b"Hunan.village_7-", b"a" * 28,
        b"", b"-a", b".a", b"_", b"a b", b"a/b", b"a\n", b"a\0b", b"\0a", b"a\x7f", b"a\xe6", "沙田".encode(), b"a" * 29,
        b"a" * 32, b"a".ljust(31, b"\0") + b"\1", b"\xff" * 32,
    ],
)  # fmt: skip
def test_the_chain_takes_the_identifiers_that_python_reads(deployment, raw):
    word = raw.ljust(32, b"\0")
    project = project_of(deployment.book).to_abi()
    try:
        name = from_bytes32(word)
    except ValueError:
        with pytest.raises(ChainRefusalError, match="InvalidId"):
            deployment.send("AssetRegistry", "setProject", word, project)
    else:
        assert to_bytes32(name) == word
        deployment.send("AssetRegistry", "setProject", word, project)


def test_only_the_administrator_registers_and_only_the_engine_mints(deployment):
    stranger = deployment.web3.eth.accounts[1]
    with pytest.raises(ChainRefusalError, match=r"^register project rooftops: AccessManagedUnauthorized"):
        register(deployment.web3, stranger, deployment.book, [project_of(deployment.book)], [], [], {})
    with pytest.raises(ChainRefusalError, match="AccessManagedUnauthorized"):
        deployment.send("MarkLedger", "settle", 1, [statement("shatin-1", 1000)])


def test_a_meter_without_asset_or_root_is_refused_before_anything_is_sent(deployment):
    with pytest.raises(ValueError, match="which is not being registered"):
        register(deployment.web3, deployment.admin, deployment.book, [], [], METERS, ROOTS)
    with pytest.raises(ValueError, match="root of the meter list of rooftops is missing"):
        register(
            deployment.web3, deployment.admin, deployment.book, [], [asset("shatin-1", deployment.admin)], METERS, {}
        )


def test_a_key_of_ones_own_deploys_too(deployment):
    web3 = deployment.web3
    deployer = Account.from_key(b"\x0b" * 32)
    web3.eth.send_transaction({"from": deployment.admin, "to": deployer.address, "value": 10**20})
    book = deploy(web3, deployer, [node.address for node in NODES], 4)
    register(web3, deployer, book, [project_of(book)], [asset("shatin-1", deployer.address)], METERS, ROOTS)
    assert connect(web3, book, "ProductionOracle").functions.threshold().call() == 4


def test_too_low_a_threshold_is_refused_at_deployment(deployment):
    with pytest.raises(
        ChainRefusalError, match=r"^deploy ProductionOracle: ThresholdOutOfRange\(threshold=2, signers=4"
    ):
        deploy(deployment.web3, deployment.admin, [node.address for node in NODES], 2)
