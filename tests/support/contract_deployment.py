"""A deployment of the contracts to test on, and reports to publish there."""

from dataclasses import astuple, dataclass

from eth_abi.abi import encode
from eth_account import Account
from eth_account.messages import encode_typed_data
from eth_utils.crypto import keccak
from web3 import Web3

from contracts.address_book import AddressBook, connect
from contracts.state import (
    METER_LEAF_TYPES,
    Asset,
    Assurance,
    ClaimRight,
    ListedMeter,
    MeterRole,
    Project,
    to_bytes32,
)
from contracts.transaction import send
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


def snapshot(web3):
    """Remember a development chain as it is."""
    if hasattr(web3.provider, "ethereum_tester"):
        return web3.provider.ethereum_tester.take_snapshot()
    return web3.provider.make_request("evm_snapshot", [])["result"]


def revert(web3, before):
    """Make a development chain what it was."""
    if hasattr(web3.provider, "ethereum_tester"):
        web3.provider.ethereum_tester.revert_to_snapshot(before)
    else:
        assert web3.provider.make_request("evm_revert", [before])["result"]


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
