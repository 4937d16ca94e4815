import pytest
from eth_tester import EthereumTester, PyEVMBackend
from web3 import Web3
from web3.providers.eth_tester import EthereumTesterProvider

from contracts.deployment import deploy, register
from tests.contract_deployment import CUTOFF, DAY, METERS, NODES, ROOTS, Deployment, asset, project_of


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
