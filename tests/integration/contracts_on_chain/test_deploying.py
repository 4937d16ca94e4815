"""`heliograph deploy` as an operator calls it: once, twice, killed and called again, and with what does not fit."""

import json
import shutil
import signal
import time

import pytest
from eth_account import Account
from web3 import HTTPProvider, Web3

from api.configuration.deployment import DeployConfig
from api.demo.chains import start_chain
from contracts import artifact
from contracts.address_book import AddressBook, bind, connect
from contracts.deployment import carry_out
from contracts.deterministic import PROXY, PROXY_CODE, PROXY_SIGNER
from contracts.plan import CONSTRUCTORS
from contracts.roles import FUNCTIONS, selectors
from contracts.state import Role
from contracts.survey import survey
from contracts.transaction import ChainRefusalError, send
from tests.support.contract_deployment import NODES, revert, snapshot
from tests.support.deployment_site import DELAYS_S, DEPLOYER, PERSONS, DeploymentSite

STEPS = [*(f"deploy {name}" for name in CONSTRUCTORS), "wire the roles", "hand over to the administrator"]
STRANGER = Account.from_key(b"\7" * 32)
PROXY_STEPS = ["pay for the deployment proxy", "deploy the deployment proxy"]


@pytest.fixture(scope="module")
def web3(require):
    how = "npm ci in contracts/, then contracts/node_modules/@foundry-rs/anvil-*/bin on the PATH"
    require("anvil", shutil.which("anvil"), how)
    with start_chain("anvil") as chain:
        yield chain.connect()


@pytest.fixture(autouse=True)
def fresh_chain(web3):
    before = snapshot(web3)
    yield
    revert(web3, before)


@pytest.fixture
def site(web3, tmp_path):
    site = DeploymentSite(tmp_path, web3)
    site.write()
    return site


def deployed(site, *options, **variables):
    """What a call that must succeed prints: (result, stderr)."""
    done = site.call(*options, **variables)
    assert done.exit_code == 0, done.stderr
    return json.loads(done.stdout), done.stderr


def plan_of(site):
    return DeployConfig.load(site.config).plan()


def assert_complete(site):
    """Everything is on chain, wired and handed over, by the plan."""
    found = survey(site.web3, plan_of(site))
    assert (found.steps, found.findings) == ((), ())


def test_the_second_call_changes_nothing_and_says_so(site):
    result, said = deployed(site)
    assert result["changed"]
    assert [one["step"] for one in result["transactions"]] == STEPS
    assert f"deployed: {len(STEPS)} transactions" in said
    book = AddressBook.from_json(site.book.read_text())
    assert dict(book.addresses) == result["addresses"]
    assert site.sent() == len(STEPS)

    block = site.web3.eth.block_number
    written = site.book.read_text()
    again, said = deployed(site)
    assert "nothing to do: everything is there and as planned" in said
    assert (site.web3.eth.block_number, site.book.read_text()) == (block, written)
    assert again == {**result, "changed": False, "transactions": []}


def test_a_lost_address_book_is_written_again(site):
    deployed(site)
    written = site.book.read_text()
    site.ask("anvil_mine", hex(5))
    site.book.unlink()
    deployed(site)
    assert site.book.read_text() == written


def test_roles_are_as_configured_and_the_deployer_has_none(site):
    result, said = deployed(site)
    engine = result["addresses"]["SettlementEngine"]
    wanted = {(role.name, account, DELAYS_S.get(role, 0)) for role, account in PERSONS.items()}
    assert {(one["role"], one["account"], one["delay_s"]) for one in result["roles"]} == {
        *wanted,
        ("SETTLER", engine, 0),
    }
    assert f"TRUSTEE          {PERSONS[Role.TRUSTEE]}, calls wait 604800 s" in said
    book = AddressBook.from_json(site.book.read_text())
    manager = connect(site.web3, book, "AccessManager").functions
    for role, targets in FUNCTIONS.items():
        holder = engine if role is Role.SETTLER else PERSONS[role]
        for contract, functions in targets.items():
            for selector in (one for function in functions for one in selectors(contract, function)):
                target = book.addresses[contract]
                delay_s = DELAYS_S.get(role, 0)
                assert manager.canCall(holder, target, selector).call() == [delay_s == 0, delay_s]
                assert manager.canCall(DEPLOYER.address, target, selector).call() == [False, 0]
    assert manager.hasRole(Role.ADMIN, DEPLOYER.address).call() == [False, 0]
    assert connect(site.web3, book, "AssetRegistry").functions.home().call() == book.addresses["MarkLedger"]


def test_a_dry_run_says_what_would_be_sent_and_needs_no_key(site):
    (site.folder / "deployer.hex").unlink()
    site.take_proxy_away()
    result, _ = deployed(site, "--dry-run")
    assert [one["step"] for one in result["would_send"]] == [*PROXY_STEPS, *STEPS]
    assert "give ADMIN to" in " ".join(result["would_send"][-1]["parts"])
    assert result["may_cost_wei"] > 0
    assert (site.sent(), site.book.exists()) == (0, False)
    site.write()
    assert deployed(site)[0]["addresses"] == result["addresses"]
    assert deployed(site, "--dry-run")[0]["would_send"] == []


def test_a_chain_without_the_deployment_proxy_gets_it(site):
    site.take_proxy_away()
    site.ask("anvil_setNonce", PROXY_SIGNER, "0x0")
    result, _ = deployed(site)
    assert [one["step"] for one in result["transactions"]] == [*PROXY_STEPS, *STEPS]
    assert site.web3.eth.get_code(PROXY) == PROXY_CODE
    assert_complete(site)


class LostError(Exception):
    """The process is gone, or the line is."""


class FailingProvider(HTTPProvider):
    """A line to the node that breaks at the n-th transaction: before it is through, or before its answer is."""

    def __init__(self, uri, transactions, *, reaches):
        super().__init__(uri)
        self.left = transactions
        self.reaches = reaches

    def make_request(self, method, params):
        if method == "eth_sendRawTransaction":
            self.left -= 1
            if self.left < 0:
                if self.reaches:
                    super().make_request(method, params)
                raise LostError
        return super().make_request(method, params)


@pytest.mark.parametrize("reaches", [False, True], ids=["before-it-is-sent", "before-its-answer"])
@pytest.mark.parametrize("transactions", range(len(PROXY_STEPS) + len(STEPS)))
def test_broken_off_at_each_transaction_another_call_completes(site, transactions, reaches):
    site.take_proxy_away()
    site.ask("anvil_setNonce", PROXY_SIGNER, "0x0")
    line = Web3(FailingProvider(site.web3.provider.endpoint_uri, transactions, reaches=reaches))
    plan = plan_of(site)
    with pytest.raises(ChainRefusalError) as broken:
        carry_out(line, DEPLOYER, plan, survey(line, plan))
    assert isinstance(broken.value.__cause__, LostError)
    done = len(survey(site.web3, plan).steps)
    assert done == len(PROXY_STEPS) + len(STEPS) - transactions - reaches
    carry_out(site.web3, DEPLOYER, plan, survey(site.web3, plan))
    assert_complete(site)
    # One transaction a step, and the proxy's is not the deployer's: nothing was done twice.
    assert site.sent() == len(PROXY_STEPS) + len(STEPS) - 1


@pytest.mark.parametrize("mined", [0, 1, 7, len(CONSTRUCTORS), len(STEPS) - 1])
def test_a_killed_process_is_followed_by_one_that_completes(site, mined):
    """Killed while a transaction is on its way: the next process waits for it."""
    site.ask("evm_setAutomine", False)  # noqa: FBT003  the node's signature
    process = follower = site.start()
    try:
        for number in range(mined + 1):
            until(lambda number=number: pending(site) > number, process)
            if number < mined:
                site.ask("evm_mine")
        process.kill()
        process.communicate()
        assert (site.sent(), pending(site)) == (mined, mined + 1)
        follower = site.start()
        assert "on their way" in follower.stderr.readline()
        site.ask("evm_mine")
        site.ask("evm_setAutomine", True)  # noqa: FBT003
        _, said = follower.communicate(timeout=60)
        assert follower.returncode == 0, said
    finally:
        site.ask("evm_setAutomine", True)  # noqa: FBT003
        for one in (process, follower):
            one.kill()
            one.communicate()
    assert_complete(site)
    assert site.sent() == len(STEPS)
    assert deployed(site)[0]["changed"] is False


def test_a_process_that_is_asked_to_stop_stops(site):
    """While it waits for a block. What it has sent goes on without it."""
    site.ask("evm_setAutomine", False)  # noqa: FBT003
    process = site.start()
    try:
        until(lambda: pending(site) > 0, process)
        process.send_signal(signal.SIGTERM)
        stdout, _ = process.communicate(timeout=15)
        assert (process.returncode, stdout) == (130, "")
    finally:
        process.kill()
        process.communicate()
        site.ask("evm_setAutomine", True)  # noqa: FBT003
    site.ask("evm_mine")
    deployed(site)
    assert_complete(site)


def pending(site):
    return site.web3.eth.get_transaction_count(DEPLOYER.address, "pending")


def until(true, process):
    deadline = time.monotonic() + 60
    while not true():
        assert process.poll() is None, process.communicate()[1]
        assert time.monotonic() < deadline
        time.sleep(0.02)


def no_funds(site):
    site.ask("anvil_setBalance", DEPLOYER.address, hex(10**15))


def foreign_chain(site):
    site.write(chain_id=1)


def wrong_key(site):
    (site.folder / "deployer.hex").write_text(STRANGER.key.hex())


def no_key(site):
    (site.folder / "deployer.hex").write_text("0x1234")


def open_key(site):
    (site.folder / "deployer.hex").chmod(0o644)


def missing_key(site):
    (site.folder / "deployer.hex").unlink()


def other_code(site):
    site.ask("anvil_setCode", plan_of(site).addresses["AssetRegistry"], "0x6001")


def altered_code(site):
    """One byte of a contract that is there differs: not where an immutable is."""
    deployed(site)
    address = plan_of(site).addresses["MarkLedger"]
    code = bytearray(site.web3.eth.get_code(address))
    places = [set(range(start, start + length)) for start, length in artifact("MarkLedger").immutables]
    free = next(i for i in range(len(code) - 1, 0, -1) if not any(i in place for place in places))
    code[free] ^= 1
    site.ask("anvil_setCode", address, "0x" + code.hex())


def other_proxy(site):
    site.ask("anvil_setCode", PROXY, "0x6001")


def used_up_proxy(site):
    site.take_proxy_away()
    site.ask("anvil_setNonce", PROXY_SIGNER, "0x1")


def other_signers_same_book(site):
    deployed(site)
    site.write(signers=[node.address for node in NODES[:3]], threshold=2)


def other_signers_no_book(site):
    other_signers_same_book(site)
    site.book.unlink()


def currency_without_code(site):
    site.write(currency=PERSONS[Role.ADMIN])


def currency_that_is_none(site):
    site.write(currency=PROXY)


def full_book(site):
    site.book.write_text("{}")


def book_in_no_folder(site):
    site.write(address_book="nowhere/book.json")


@pytest.mark.parametrize(
    ("spoil", "complaint"),
    [
        (no_funds, "has 0.001000 of the chain's coin, and the deployment may cost"),
        (foreign_chain, "the node is on chain 31337, the deployment is for chain 1; nothing was sent"),
        (wrong_key, f"is the key of {STRANGER.address}, and [deployer] names {DEPLOYER.address}"),
        (no_key, "holds no private key of 32 bytes in hex"),
        (open_key, "is readable by others"),
        (missing_key, "deployer.hex is not there"),
        (other_code, "is not that of AssetRegistry"),
        (altered_code, "is not that of MarkLedger"),
        (other_proxy, "is not that of the deployment proxy"),
        (used_up_proxy, "the deployment proxy failed on this chain"),
        (other_signers_same_book, "has FeedFactory elsewhere"),
        (other_signers_no_book, "may settle, and is not the SettlementEngine of this plan"),
        (currency_without_code, "there is no contract at"),
        (currency_that_is_none, "is no ERC-20 with decimals"),
        (full_book, "not an address book"),
        (book_in_no_folder, "cannot be written: there is no folder"),
    ],
    ids=lambda part: part.__name__ if callable(part) else "",
)
def test_what_does_not_fit_is_told_in_one_line_and_nothing_is_sent(site, spoil, complaint):
    spoil(site)
    before = site.sent()
    refused = site.call()
    assert refused.exit_code == 2, refused.stderr
    assert complaint in refused.stderr
    assert refused.stderr.count("\n") == 1
    assert (refused.stdout, site.sent()) == ("", before)


def test_a_chain_that_does_not_answer_is_a_missing_dependency(site):
    site.write(rpc_url="http://127.0.0.1:9/secret-token")
    refused = site.call()
    assert (refused.exit_code, refused.stdout) == (3, "")
    assert refused.stderr.count("\n") == 1
    assert "the chain does not answer" in refused.stderr
    assert "secret-token" not in refused.stderr


def test_the_key_may_come_by_the_environment(site):
    site.write(key=None)
    refused = site.call()
    assert refused.exit_code == 2
    assert "HELIOGRAPH_DEPLOYER_KEY is not set" in refused.stderr
    deployed(site, HELIOGRAPH_DEPLOYER_KEY=DEPLOYER.key.hex())
    assert_complete(site)


def test_an_erc20_that_is_there_is_the_currency(site):
    web3 = site.web3
    built = artifact("HKDStablecoin")
    constructor = web3.eth.contract(abi=built.abi, bytecode=built.bytecode).constructor(PERSONS[Role.ADMIN])
    currency = send(web3, web3.eth.accounts[1], constructor, "deploy a currency")["contractAddress"]
    site.write(currency=currency)
    result, _ = deployed(site)
    assert result["currency"] == currency
    assert "HKDStablecoin" not in result["addresses"]
    assert AddressBook.from_json(site.book.read_text()).currency == currency


def test_a_deployer_that_stays_administrator_goes_on_adding_roles(site):
    site.write(roles={Role.ADMIN: DEPLOYER.address}, delays_s={})
    result, _ = deployed(site)
    assert "hand over to the administrator" not in [one["step"] for one in result["transactions"]]
    site.write(roles={Role.ADMIN: DEPLOYER.address, Role.GUARDIAN: PERSONS[Role.GUARDIAN]}, delays_s={})
    result, _ = deployed(site)
    assert [one["step"] for one in result["transactions"]] == ["wire the roles"]
    assert ("GUARDIAN", PERSONS[Role.GUARDIAN]) in {(one["role"], one["account"]) for one in result["roles"]}


def test_what_the_administrator_changed_since_is_told_and_is_not_the_deployers_to_change(site):
    admin = site.web3.eth.accounts[2]
    site.write(roles={Role.ADMIN: admin, Role.GUARDIAN: PERSONS[Role.GUARDIAN]}, delays_s={})
    deployed(site)
    manager = bind(site.web3, "AccessManager", plan_of(site).addresses["AccessManager"]).functions
    send(site.web3, admin, manager.revokeRole(Role.GUARDIAN, PERSONS[Role.GUARDIAN]), "revoke")
    stranger = PERSONS[Role.ENFORCER]
    send(site.web3, admin, manager.grantRole(Role.ENFORCER, stranger, 0), "grant")
    before = site.sent()
    told = site.call()
    assert told.exit_code == 1
    assert f"not as planned: give GUARDIAN to {PERSONS[Role.GUARDIAN]}" in told.stderr
    assert f"ENFORCER         {stranger} (not of this plan)" in told.stderr
    assert json.loads(told.stdout)["findings"] == [f"not as planned: give GUARDIAN to {PERSONS[Role.GUARDIAN]}"]
    assert site.sent() == before
