import shutil

import pytest

from api.demo.chains import start_chain
from contracts.deployment import deploy, register
from tests.support.contract_deployment import METERS, NODES, ROOTS, Deployment, asset, project_of, revert, snapshot


@pytest.fixture(scope="module", params=["eth-tester", "anvil"])
def web3(request, require):
    """A chain in this process, and one in a process of its own."""
    if request.param == "anvil":
        how = "npm ci in contracts/, then contracts/node_modules/@foundry-rs/anvil-*/bin on the PATH"
        require("anvil", shutil.which("anvil"), how)
    with start_chain(request.param) as chain:
        yield chain.connect()


@pytest.fixture(scope="module")
def steps(web3):  # noqa: ARG001  one list a chain
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
    before = snapshot(deployment.web3)
    yield
    revert(deployment.web3, before)
