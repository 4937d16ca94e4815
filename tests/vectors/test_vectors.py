"""Every side gives the same: this package, the npm Merkle package, eth-account, and the contract in a chain of one process."""

import importlib.util
import json
import os
import shutil
import subprocess
from pathlib import Path

import pytest

from oracle.errors import ReportError
from oracle.reporting.keccak import keccak256
from oracle.reporting.merkle import StandardMerkleTree, root_from_proof
from oracle.reporting.report import DOMAIN_NAME, DOMAIN_VERSION, Domain

HERE = Path(__file__).resolve().parent
MODULES = HERE.parent.parent / "contracts" / "node_modules"


def load(path):
    spec = importlib.util.spec_from_file_location(path.stem, path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


generate = load(HERE / "generate.py")


@pytest.mark.parametrize("name", generate.VECTORS)
def test_the_vectors_are_what_this_program_writes(name):
    assert (HERE / name).read_text(encoding="utf-8") == generate.text(generate.VECTORS[name])


def test_every_proof_leads_to_its_root_and_to_no_other():
    for case in generate.merkle()["cases"]:
        root = bytes.fromhex(case["root"][2:])
        for entry in case["leaves"]:
            leaf, path = bytes.fromhex(entry["leaf"][2:]), [bytes.fromhex(sibling[2:]) for sibling in entry["proof"]]
            assert root_from_proof(leaf, path) == root
            assert root_from_proof(leaf, path[:-1]) != root or not path
            assert root_from_proof(bytes(32), path) != root


@pytest.mark.parametrize("leaves", [[], [0, 0], [3], [0, 3]])
def test_a_multiproof_is_of_leaves_of_the_tree_each_once(leaves):
    known = [statement.leaf for statement in generate.statements(4)]
    tree = StandardMerkleTree(tuple(known[:3]))
    with pytest.raises(ReportError):
        tree.multiproof([known[i] for i in leaves])


@pytest.mark.parametrize("count", [1, 2, 3, 7, 64, 65])
def test_a_multiproof_does_not_depend_on_the_order_of_its_leaves(count):
    leaves = [statement.leaf for statement in generate.statements(count)]
    tree = StandardMerkleTree(tuple(leaves))
    together = tree.multiproof(leaves[::2])
    assert tree.multiproof(leaves[::-2] if count % 2 else leaves[-2::-2]) == together
    assert list(together.leaves) == sorted(leaves[::2])
    assert len(together.leaves) + len(together.proof) == len(together.flags) + 1


@pytest.mark.parametrize("count", [1, 2, 3, 7, 64, 65])
def test_a_tree_does_not_depend_on_the_order_of_its_leaves(count):
    leaves = tuple(statement.leaf for statement in generate.statements(count))
    one, other = StandardMerkleTree(leaves), StandardMerkleTree(leaves[::-1])
    assert one.root == other.root
    assert [one.proof(leaf) for leaf in leaves] == [other.proof(leaf) for leaf in leaves]


def test_the_npm_package_builds_the_same_trees_and_verifies_our_proofs(require):
    require("node", shutil.which("node"), "install Node.js 20 or newer")
    require("@openzeppelin/merkle-tree", (MODULES / "@openzeppelin" / "merkle-tree").is_dir(), "npm ci in contracts/")
    ran = subprocess.run(
        ["node", HERE / "merkle_tree.js", HERE / "merkle.json"],
        env=os.environ | {"NODE_PATH": str(MODULES)},
        capture_output=True,
        check=True,
        timeout=120,
    )
    cases = generate.merkle()["cases"]
    for theirs, ours in zip(json.loads(ran.stdout), cases, strict=True):
        assert theirs["root"] == ours["root"]
        assert theirs["leaves"] == [entry["leaf"] for entry in ours["leaves"]]
        assert theirs["proofs"] == [entry["proof"] for entry in ours["leaves"]]
        assert theirs["multiproofs"] == ours["multiproofs"]
        assert all(theirs["ours"])
        assert not any(theirs["altered"])


def test_eth_account_gives_the_same_digest():
    from eth_account.messages import encode_typed_data  # noqa: PLC0415  slow to import

    numbers = dict.fromkeys(("epoch", "cutoff", "registryBlock"), "uint64") | {
        "totals": "Totals",
        "leafCount": "uint32",
    }
    for domain, report in generate.reports():
        members = generate.report_members(report)
        signable = encode_typed_data(
            full_message={
                "primaryType": "Report",
                "domain": {
                    "name": DOMAIN_NAME,
                    "version": DOMAIN_VERSION,
                    "chainId": domain.chain_id,
                    "verifyingContract": domain.oracle,
                },
                "types": {
                    "EIP712Domain": [
                        {"name": "name", "type": "string"},
                        {"name": "version", "type": "string"},
                        {"name": "chainId", "type": "uint256"},
                        {"name": "verifyingContract", "type": "address"},
                    ],
                    "Totals": [{"name": name, "type": "uint128"} for name in members["totals"]],
                    "Report": [{"name": name, "type": numbers.get(name, "bytes32")} for name in members],
                },
                "message": members,
            }
        )
        assert keccak256(b"\x19" + signable.version + signable.header + signable.body) == report.digest(domain)


def struct(members):
    return tuple(struct(one) if isinstance(one, dict) else one for one in members.values())


def test_the_contract_gives_the_same_digests():
    from eth_tester import EthereumTester, PyEVMBackend  # noqa: PLC0415  slow to import
    from web3 import Web3  # noqa: PLC0415
    from web3.providers.eth_tester import EthereumTesterProvider  # noqa: PLC0415

    from contracts.deployment import connect, deploy  # noqa: PLC0415
    from oracle.attestation.signer_set import SignerSet  # noqa: PLC0415

    web3 = Web3(EthereumTesterProvider(EthereumTester(PyEVMBackend())))
    book = deploy(web3, web3.eth.accounts[0], generate.SIGNERS, 2)
    oracle = connect(web3, book, "ProductionOracle").functions
    domain = Domain(book.chain_id, book.addresses["ProductionOracle"])
    for _, report in generate.reports():
        assert bytes(oracle.reportDigest(struct(generate.report_members(report))).call()) == report.digest(domain)
    signer_set = SignerSet.of(generate.SIGNERS, 2, oracle.configCount().call())
    assert bytes(oracle.configDigest().call()) == signer_set.config_digest(domain)
