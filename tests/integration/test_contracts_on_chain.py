"""The contracts on an in-process chain, as Python sees them: deploy, register, publish, settle, read back, be refused."""

from dataclasses import astuple, dataclass, replace

import pytest
from eth_abi.abi import encode
from eth_account import Account
from eth_account.messages import encode_typed_data
from eth_tester import EthereumTester, PyEVMBackend
from eth_utils.crypto import keccak
from web3 import Web3
from web3.logs import DISCARD
from web3.providers.eth_tester import EthereumTesterProvider

from contracts import CONTRACTS
from contracts.deployment import AddressBook, connect, deploy, register
from contracts.state import (
    METER_LEAF_TYPES,
    Asset,
    Assurance,
    ClaimRight,
    ListedMeter,
    MeterRole,
    Project,
    credit_id,
    from_bytes32,
    revenue_id,
    to_bytes32,
)
from contracts.transaction import ChainRefusalError, send
from oracle.reporting.statement import LEAF_TYPES

NODES = sorted((Account.from_key(bytes([i]) * 32) for i in range(1, 5)), key=lambda node: int(node.address, 16))
CODE_LIMIT = 24 * 1024
DAY = 86_400
YEAR_2026 = 1_767_225_600 - 8 * 3600
CUTOFF = YEAR_2026 + 31 * DAY
JANUARY = 202601
REPORT_TYPES = {
    "Totals": "uint128 energyWh,uint128 creditsG,uint128 revenueMinor",
    "Report": "uint64 epoch,bytes32 prev,uint64 cutoff,bytes32 configDigest,bytes32 rulesDigest,uint64 registryBlock,"
    "bytes32 registryHash,bytes32 root,Totals totals,uint32 leafCount,bytes32 dataHash",
}


@dataclass
class Deployment:
    web3: Web3
    admin: str
    book: AddressBook

    def contract(self, name):
        return connect(self.web3, self.book, name)

    def send(self, contract, function, *arguments):
        return send(self.web3, self.admin, self.contract(contract).functions[function](*arguments), function)

    def read(self, contract, function, *arguments):
        return self.contract(contract).functions[function](*arguments).call()


@pytest.fixture(scope="module")
def web3():
    chain = EthereumTester(PyEVMBackend())
    chain.time_travel(max(CUTOFF + DAY, chain.get_block_by_number("latest")["timestamp"] + 1))
    return Web3(EthereumTesterProvider(chain))


@pytest.fixture(scope="module")
def steps():
    return []


@pytest.fixture(scope="module")
def deployment(web3, steps):
    admin = web3.eth.accounts[0]
    book = deploy(web3, admin, [node.address for node in reversed(NODES)], 3, steps.append)
    project = project_of(book)
    register(web3, admin, book, [project], [asset("shatin-1", admin), asset("lamma-1", admin)], METERS, ROOTS)
    return Deployment(web3, admin, book)


@pytest.fixture(autouse=True)
def fresh_chain(deployment):
    snapshot = deployment.web3.provider.ethereum_tester.take_snapshot()
    yield
    deployment.web3.provider.ethereum_tester.revert_to_snapshot(snapshot)


def project_of(book):
    currency = book.addresses["HKDStablecoin"]
    return Project(
        "rooftops", currency, to_bytes32("AMS-I.D"), ClaimRight.CREDIT, keccak(b"deed"), Assurance.DEVICE_SIGNED
    )


def asset(name, beneficiary):
    return Asset(name, "rooftops", beneficiary, 8000, YEAR_2026, 28_800, 700_000, 4_000_000_000, 250_000)


def meter(device, thumbprint):
    return ListedMeter("shatin-1", "inverter", device, thumbprint, MeterRole.INVERTER, 8000, 1_234, YEAR_2026 * 1000)


def leaf(types, fields):
    return keccak(keccak(encode(types, fields)))


def parent(one, other):
    return keccak(min(one, other) + max(one, other))


METERS = [meter("device-b", b"\2" * 32), meter("device-a", b"\1" * 32)]
ROOTS = {"rooftops": parent(*(leaf(METER_LEAF_TYPES, listed.to_abi()) for listed in METERS))}


def statement(asset_id, energy_wh, cutoff=CUTOFF):
    """600 g and 3 HKD a kWh, nothing reversed."""
    figures = (energy_wh, 0, energy_wh * 600 // 1000, 0, energy_wh * 3000, 0)
    return (to_bytes32(asset_id), 2026, *figures, cutoff, keccak(text=asset_id))


@dataclass(frozen=True)
class Report:
    epoch: int
    prev: bytes
    cutoff: int
    config_digest: bytes
    rules_digest: bytes
    registry_block: int
    registry_hash: bytes
    root: bytes
    totals: tuple[int, int, int]
    leaf_count: int
    data_hash: bytes


def report_over(deployment, root):
    read = deployment.read
    return Report(
        epoch=read("ProductionOracle", "lastEpoch") + 1,
        prev=read("ProductionOracle", "lastDigest"),
        cutoff=CUTOFF,
        config_digest=read("ProductionOracle", "configDigest"),
        rules_digest=keccak(b"rules"),
        registry_block=1,
        registry_hash=keccak(b"registry"),
        root=root,
        totals=(1, 2, 3),
        leaf_count=2,
        data_hash=keccak(b"working"),
    )


def typed_digest(report, chain_id, oracle):
    """The EIP-712 digest, by eth-account."""
    types = {
        name: [dict(zip(("type", "name"), member.split(), strict=True)) for member in members.split(",")]
        for name, members in REPORT_TYPES.items()
    }
    *values, totals, leaf_count, data_hash = astuple(report)
    message = dict(
        zip(
            (member["name"] for member in types["Report"]),
            (*values, dict(zip(("energyWh", "creditsG", "revenueMinor"), totals, strict=True)), leaf_count, data_hash),
            strict=True,
        )
    )
    domain = {"name": "Heliograph", "version": "1", "chainId": chain_id, "verifyingContract": oracle}
    signable = encode_typed_data(domain, types, message)
    return keccak(b"\x19" + signable.version + signable.header + signable.body)


def sign(deployment, report, nodes=NODES[:3], chain_id=None):
    digest = typed_digest(report, chain_id or deployment.book.chain_id, deployment.book.addresses["ProductionOracle"])
    signatures = (Account.unsafe_sign_hash(digest, node.key) for node in nodes)
    return b"".join(bytes(signature.signature) for signature in signatures)


def publish(deployment, statements):
    """Publish the next report over two statements; returns the proofs."""
    one, other = (leaf(LEAF_TYPES, fields) for fields in statements)
    report = report_over(deployment, parent(one, other))
    deployment.send("ProductionOracle", "publish", astuple(report), sign(deployment, report))
    return [[other], [one]]


def test_deployment_tells_its_steps_and_writes_down_where_it_is(deployment, steps):
    assert [step for step in steps if step.startswith("deploy ")] == [
        f"deploy {name}"
        for name in (
            "AccessManager",
            "HKDStablecoin",
            "AssetRegistry",
            "ProductionOracle",
            "RevenueShare",
            "CarbonCredit",
            "SettlementEngine",
        )
    ]
    assert set(deployment.book.addresses) == set(CONTRACTS)
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


def test_three_of_four_nodes_publish_and_anybody_settles(deployment):
    statements = [statement("shatin-1", 600_502), statement("lamma-1", 10_000)]
    proofs = publish(deployment, statements)
    receipt = deployment.send("SettlementEngine", "settle", 1, statements, proofs)
    settled = deployment.contract("SettlementEngine").events.Settled().process_receipt(receipt, DISCARD)
    assert [event["args"]["energyWh"] for event in settled] == [600_502, 10_000]
    read = deployment.read
    assert read("RevenueShare", "backedWh", to_bytes32("shatin-1"), 2026) == 600_502
    assert read("RevenueShare", "totalSupply", revenue_id("shatin-1", JANUARY)) == 600_502 * 3000
    assert read("CarbonCredit", "totalSupply", credit_id("rooftops", 2026)) == 360_301 + 6_000
    assert read("CarbonCredit", "balanceOf", deployment.admin, credit_id("rooftops", 2026)) == 366_301
    # Settled again, nothing more: no event, no unit.
    again = deployment.send("SettlementEngine", "settle", 1, statements, proofs)
    assert again["logs"] == []
    # The next report is cumulative: its difference is minted.
    more = [statement("shatin-1", 600_602), statement("lamma-1", 10_000)]
    deployment.send("SettlementEngine", "settle", 2, more, publish(deployment, more))
    assert read("RevenueShare", "backedWh", to_bytes32("shatin-1"), 2026) == 600_602


def test_the_contracts_digest_is_eth_accounts(deployment):
    report = replace(report_over(deployment, keccak(b"root")), totals=(2**128 - 1, 0, 7), registry_block=2**64 - 1)
    oracle = deployment.book.addresses["ProductionOracle"]
    digest = typed_digest(report, deployment.book.chain_id, oracle)
    assert deployment.read("ProductionOracle", "reportDigest", astuple(report)) == digest


@pytest.mark.parametrize(
    ("nodes", "reason"),
    [
        (NODES[:2], r"WrongSignatureLength\(expected=195, given=130\)"),
        ([NODES[0], NODES[1], NODES[1]], "SignersNotAscending"),
        ([NODES[1], NODES[0], NODES[2]], "SignersNotAscending"),
        ([*NODES[:2], Account.from_key(b"\x09" * 32)], r"UnknownSigner\(index=2"),
    ],
)
def test_what_is_no_quorum_does_not_publish(deployment, nodes, reason):
    report = report_over(deployment, keccak(b"root"))
    with pytest.raises(ChainRefusalError, match=f"^publish: {reason}"):
        deployment.send("ProductionOracle", "publish", astuple(report), sign(deployment, report, nodes))
    assert deployment.read("ProductionOracle", "lastEpoch") == 0


def test_a_high_s_signature_does_not_publish(deployment):
    report = report_over(deployment, keccak(b"root"))
    signatures = sign(deployment, report)
    order = 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141
    high_s = (order - int.from_bytes(signatures[32:64], "big")).to_bytes(32, "big")
    forged = signatures[:32] + high_s + bytes([55 - signatures[64]]) + signatures[65:]
    with pytest.raises(ChainRefusalError, match=r"InvalidSignature\(index=0\)"):
        deployment.send("ProductionOracle", "publish", astuple(report), forged)


def test_another_chains_report_does_not_publish(deployment):
    report = report_over(deployment, keccak(b"root"))
    foreign = sign(deployment, report, chain_id=31337)
    with pytest.raises(ChainRefusalError, match=r"UnknownSigner|InvalidSignature"):
        deployment.send("ProductionOracle", "publish", astuple(report), foreign)


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"epoch": 1}, r"EpochNotBeyond\(last=1, given=1\)"),
        ({"prev": bytes(32)}, "WrongPrev"),
        ({"config_digest": bytes(32)}, "WrongConfig"),
        ({"cutoff": CUTOFF - 1}, "CutoffFell"),
        ({"cutoff": 2**40}, "CutoffInFuture"),
        ({"root": bytes(32)}, "RootMissing"),
    ],
)
def test_a_report_that_does_not_follow_is_refused(deployment, changes, reason):
    publish(deployment, [statement("shatin-1", 1), statement("lamma-1", 1)])
    report = replace(report_over(deployment, keccak(b"root")), **changes)
    with pytest.raises(ChainRefusalError, match=reason):
        deployment.send("ProductionOracle", "publish", astuple(report), sign(deployment, report))


def test_an_epoch_is_skipped_and_stays_empty(deployment):
    publish(deployment, [statement("shatin-1", 1), statement("lamma-1", 1)])
    statements = [statement("shatin-1", 1000), statement("lamma-1", 1000)]
    one, other = (leaf(LEAF_TYPES, fields) for fields in statements)
    report = replace(report_over(deployment, parent(one, other)), epoch=4)
    late = replace(report, epoch=3)
    deployment.send("ProductionOracle", "publish", astuple(report), sign(deployment, report))
    assert deployment.read("ProductionOracle", "lastEpoch") == 4
    assert deployment.read("ProductionOracle", "rootAt", 3) == bytes(32)
    assert deployment.read("ProductionOracle", "digestAt", 3) == bytes(32)
    with pytest.raises(ChainRefusalError, match=r"EpochNotBeyond\(last=4, given=3\)"):
        deployment.send("ProductionOracle", "publish", astuple(late), sign(deployment, late))
    with pytest.raises(ChainRefusalError, match=r"UnknownRoot\(epoch=3\)"):
        deployment.send("SettlementEngine", "settle", 3, statements, [[other], [one]])
    deployment.send("SettlementEngine", "settle", 4, statements, [[other], [one]])
    assert deployment.read("RevenueShare", "backedWh", to_bytes32("shatin-1"), 2026) == 1000
    # The next report follows on the last one published.
    publish(deployment, statements)
    assert deployment.read("ProductionOracle", "lastEpoch") == 5


def test_of_two_reports_on_one_digest_one_lands(deployment):
    first, second = report_over(deployment, keccak(b"ours")), report_over(deployment, keccak(b"theirs"))
    second = replace(second, epoch=first.epoch + 1)
    deployment.send("ProductionOracle", "publish", astuple(first), sign(deployment, first))
    with pytest.raises(ChainRefusalError, match="WrongPrev"):
        deployment.send("ProductionOracle", "publish", astuple(second), sign(deployment, second))


def test_settling_needs_a_root_and_a_proof(deployment):
    statements = [statement("shatin-1", 1000), statement("lamma-1", 1000)]
    proofs = publish(deployment, statements)
    with pytest.raises(ChainRefusalError, match=r"UnknownRoot\(epoch=7\)"):
        deployment.send("SettlementEngine", "settle", 7, statements, proofs)
    forged = [statements[0], statement("lamma-1", 1001)]
    with pytest.raises(ChainRefusalError, match=r"BadProof\(index=1\)"):
        deployment.send("SettlementEngine", "settle", 1, forged, proofs)


def test_a_statement_over_its_ceiling_is_held_back_and_the_batch_goes_on(deployment):
    statements = [statement("shatin-1", 31 * 48_000 + 1001), statement("lamma-1", 1000)]
    receipt = deployment.send("SettlementEngine", "settle", 1, statements, publish(deployment, statements))
    events = deployment.contract("SettlementEngine").events
    capped = events.Capped().process_receipt(receipt, DISCARD)
    assert {event["args"]["assetId"] for event in capped} == {to_bytes32("shatin-1")}
    assert deployment.read("RevenueShare", "backedWh", to_bytes32("shatin-1"), 2026) == 0
    assert deployment.read("RevenueShare", "backedWh", to_bytes32("lamma-1"), 2026) == 1000


def test_revenue_is_paid_from_a_deposit_and_credits_are_retired(deployment):
    statements = [statement("shatin-1", 1000), statement("lamma-1", 1000)]
    deployment.send("SettlementEngine", "settle", 1, statements, publish(deployment, statements))
    share = revenue_id("shatin-1", JANUARY)
    deployment.send("HKDStablecoin", "mint", deployment.admin, 3_000_000)
    deployment.send("HKDStablecoin", "approve", deployment.book.addresses["RevenueShare"], 3_000_000)
    deployment.send("RevenueShare", "deposit", to_bytes32("shatin-1"), JANUARY, 3_000_000)
    assert deployment.read("RevenueShare", "owed", deployment.admin, share) == 3_000_000
    payee = deployment.web3.eth.accounts[5]
    deployment.send("RevenueShare", "claim", [share], payee)
    assert deployment.read("HKDStablecoin", "balanceOf", payee) == 3_000_000
    credit = credit_id("rooftops", 2026)
    deployment.send("CarbonCredit", "retire", credit, 500, payee, "2026 footprint")
    assert deployment.read("CarbonCredit", "retired", credit) == 500
    assert deployment.read("CarbonCredit", "totalSupply", credit) == 700


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
    for token in ("RevenueShare", "CarbonCredit"):
        with pytest.raises(ChainRefusalError, match="AccessManagedUnauthorized"):
            deployment.send(token, "settle", [statement("shatin-1", 1000)])


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
