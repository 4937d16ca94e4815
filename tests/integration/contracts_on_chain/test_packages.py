"""What others get of the contracts, without a compiler: the Python package's artifacts and the npm package's."""

import json
import shutil
import subprocess
import sys
import tomllib

import pytest
from eth_utils.abi import abi_to_signature, function_abi_to_4byte_selector

from api.demo.chains import start_chain
from contracts import CONTRACTS, artifact, published_addresses
from contracts.state import to_bytes32
from tests.support.contract_deployment import CUTOFF, publish, statement


@pytest.fixture
def npm(repository):
    return repository / "contracts" / "npm"


def test_both_packages_say_the_same(npm):
    selectors = json.loads((npm / "selectors.json").read_text())
    assert sorted(selectors) == sorted(CONTRACTS)
    for name in CONTRACTS:
        abi = json.loads((npm / "abi" / f"{name}.json").read_text())
        assert abi == artifact(name).abi
        assert selectors[name] == {
            abi_to_signature(entry): "0x" + function_abi_to_4byte_selector(entry).hex()
            for entry in abi
            if entry["type"] == "function"
        }
        assert f'| "{name}"' in (npm / "index.d.ts").read_text()


def test_addresses_are_those_of_the_books(npm, repository):
    known = json.loads((npm / "addresses.json").read_text())
    books = {path.stem: json.loads(path.read_text()) for path in (repository / "contracts/addresses").glob("*.json")}
    assert known == books
    assert published_addresses(2**63) is None


def test_the_packages_have_one_version(npm, repository):
    project = tomllib.loads((repository / "pyproject.toml").read_text())["project"]
    assert json.loads((npm / "package.json").read_text())["version"] == project["version"]


def test_the_package_loads_by_require_and_by_import(npm, require):
    node = shutil.which("node")
    require("node", node, "Node.js 20")
    program = f"""
    import both from "{npm}/index.js";
    import {{ abi, selectors, addresses }} from "{npm}/index.js";
    import {{ createRequire }} from "node:module";
    const required = createRequire(import.meta.url)("{npm}");
    const same = abi === both.abi && required.abi === abi && required.addresses === addresses;
    console.log(same, selectors.AssetFeed["latestRoundData()"], abi.AssetFeed.length > 10);
    """
    told = subprocess.run([node, "--input-type=module", "-e", program], capture_output=True, text=True, check=False)
    assert (told.stdout, told.stderr) == ("true 0xfeaf968c true\n", "")


@pytest.mark.parametrize("language", ["python", "javascript"])
def test_the_example_reads_a_feed(deployment, npm, repository, tmp_path, require, language):
    """Only a chain in a process of its own has a URL."""
    url = getattr(deployment.web3.provider, "endpoint_uri", None)
    if url is None:
        pytest.skip("eth-tester has no URL that a program could ask")
    if language == "javascript":
        require("node", shutil.which("node"), "Node.js 20")
    program = [sys.executable, "-m", "contracts.read_feed"] if language == "python" else ["node", npm / "example.mjs"]
    book = tmp_path / "address-book.json"
    book.write_text(deployment.book.to_json())

    def read(*arguments):
        command = [*program, url, *arguments, book]
        done = subprocess.run(command, cwd=repository, capture_output=True, text=True, check=False, timeout=60)
        return json.loads(done.stdout) if done.returncode == 0 else done.stderr

    assert "nobody has made this feed yet" in read("shatin-1", "revenue")
    asset_id = to_bytes32("shatin-1")
    deployment.send("FeedFactory", "create", asset_id, 2)
    feed = deployment.read("FeedFactory", "addressOf", asset_id, 2).lower()
    assert read("shatin-1", "revenue") == {"feed": feed, "phase": "never started", "decimals": 6}
    statements = [statement("shatin-1", 1000), statement("lamma-1", 1000)]
    deployment.send("SettlementEngine", "settle", 1, statements, publish(deployment, statements))
    assert read("shatin-1", "revenue") == {
        "feed": feed, "phase": "stale", "decimals": 6, "epoch": 1, "answer": "3000000", "cutoff": CUTOFF,
    }  # fmt: skip


def test_a_chain_without_a_known_deployment_is_told(repository, npm, require):
    require("anvil", shutil.which("anvil"), "npm ci in contracts/")
    require("node", shutil.which("node"), "Node.js 20")
    with start_chain("anvil") as chain:
        url = chain.connect().provider.endpoint_uri
        for program in ([sys.executable, "-m", "contracts.read_feed"], ["node", str(npm / "example.mjs")]):
            done = subprocess.run(
                [*program, url, "fleet"], cwd=repository, capture_output=True, text=True, check=False, timeout=60
            )
            assert done.returncode != 0
            assert "knows no deployment on that chain" in done.stderr
