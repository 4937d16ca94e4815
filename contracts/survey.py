"""What of a deployment is on chain, and what is missing: looked up step by step, so that nothing is done twice."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from contracts.address_book import bind
from contracts.deterministic import (
    PROXY,
    PROXY_CODE,
    PROXY_COST,
    PROXY_GAS_PRICE,
    PROXY_SIGNER,
    PROXY_TRANSACTION,
    RawCall,
    fees,
    is_code_of,
)
from contracts.state import Role
from contracts.wiring import all_wiring, handover, missing_wiring

if TYPE_CHECKING:
    from web3 import Web3

    from contracts.plan import Plan
    from contracts.transaction import Call

GAS_A_CODE_BYTE: Final = 200
GAS_A_CALLDATA_BYTE: Final = 16
GAS_OF_A_CONSTRUCTOR: Final = 600_000
"""For what a constructor writes and the transaction itself; more than any of ours takes."""
GAS_OF_A_WIRING_CALL: Final = 80_000
GAS_OF_A_TRANSACTION: Final = 100_000


class DeploymentError(Exception):
    """The deployment cannot be made: chain, account or what is there already does not fit. Nothing was sent."""


@dataclass(frozen=True)
class Step:
    """One transaction that is missing."""

    name: str
    call: Call | bytes
    """A call to make, or a transaction that is signed already."""
    gas: int
    """The most that it may take, about."""
    parts: tuple[str, ...] = ()
    """What it does, where it does several things at once."""
    creation: bytes = b""
    """Creation code, where it deploys."""


@dataclass(frozen=True)
class Survey:
    """How far a deployment has come."""

    steps: tuple[Step, ...]
    """What is missing, in order; empty when nothing is."""
    findings: tuple[str, ...] = ()
    """What is not as planned and no longer the deployer's to change."""
    cost_wei: int = 0
    """What the steps may cost, about."""


@dataclass
class _Found:
    steps: list[Step] = field(default_factory=list)
    findings: list[str] = field(default_factory=list)
    wei: int = 0
    """To be sent along."""


def survey(web3: Web3, plan: Plan, first_block: int = 0) -> Survey:
    """Hold a plan against the chain.

    `first_block`: no event of the deployment is in an older block. Raises DeploymentError when the plan cannot be carried
    out on this chain: it is another one, other code is where a contract should be, an account that the plan does not know
    may mint, or the deployer cannot pay.
    """
    chain_id = web3.eth.chain_id
    if chain_id != plan.chain_id:
        raise DeploymentError(f"the node is on chain {chain_id}, the deployment is for chain {plan.chain_id}")
    found = _Found()
    _survey_currency(web3, plan)
    _survey_contracts(web3, plan, found)
    _survey_proxy(web3, found)
    _survey_wiring(web3, plan, first_block, found)
    cost_wei = _require_funds(web3, plan, found) if found.steps else 0
    return Survey(tuple(found.steps), tuple(found.findings), cost_wei)


def _survey_currency(web3: Web3, plan: Plan) -> None:
    """Revenue is counted in millionths, in statements, shares and feeds."""
    if plan.currency is None:
        return
    if not web3.eth.get_code(plan.currency):
        raise DeploymentError(f"there is no contract at {plan.currency}, the currency")
    try:
        decimals = bind(web3, "HKDStablecoin", plan.currency).functions.decimals().call()
    except Exception as error:  # a node's client raises what it likes
        raise DeploymentError(f"the contract at {plan.currency} is no ERC-20 with decimals: {error}") from error
    if decimals != 6:
        raise DeploymentError(f"the currency at {plan.currency} has {decimals} decimals; a minor unit is a millionth")


def _survey_contracts(web3: Web3, plan: Plan, found: _Found) -> None:
    for name, creation in plan.creation.items():
        address = plan.addresses[name]
        code = bytes(web3.eth.get_code(address))
        if not code:
            gas = GAS_OF_A_CONSTRUCTOR + len(creation) * (GAS_A_CODE_BYTE + GAS_A_CALLDATA_BYTE)
            call = RawCall(web3, PROXY, plan.salt_word + creation)
            found.steps.append(Step(f"deploy {name}", call, gas, creation=creation))
        elif not is_code_of(name, code):
            raise DeploymentError(f"the code at {address} is not that of {name}: {len(code)} bytes, differing")


def _survey_proxy(web3: Web3, found: _Found) -> None:
    """Put the deployment proxy first, where it is needed and not there."""
    code = bytes(web3.eth.get_code(PROXY))
    if code and code != PROXY_CODE:
        raise DeploymentError(f"the code at {PROXY} is not that of the deployment proxy")
    if code or not found.steps:
        return
    if web3.eth.get_transaction_count(PROXY_SIGNER):
        raise DeploymentError(
            f"the deployment proxy failed on this chain: {PROXY_SIGNER} has sent and nothing is there"
        )
    base = web3.eth.get_block("latest").get("baseFeePerGas", 0)
    if base > PROXY_GAS_PRICE:
        raise DeploymentError(
            f"gas costs {base} wei, and the deployment proxy's transaction pays {PROXY_GAS_PRICE}: wait"
        )
    first = [Step("deploy the deployment proxy", PROXY_TRANSACTION, 0)]
    lacking = PROXY_COST - web3.eth.get_balance(PROXY_SIGNER)
    if lacking > 0:
        first.insert(
            0, Step("pay for the deployment proxy", RawCall(web3, PROXY_SIGNER, wei=lacking), GAS_OF_A_TRANSACTION)
        )
        found.wei += lacking
    found.steps[:0] = first


def _survey_wiring(web3: Web3, plan: Plan, first_block: int, found: _Found) -> None:
    is_there = bool(web3.eth.get_code(plan.addresses["AccessManager"]))
    wiring = missing_wiring(web3, plan, first_block) if is_there else all_wiring(web3, plan)
    if wiring.strangers:
        holder = wiring.strangers[0]
        raise DeploymentError(
            f"{holder.account} may settle, and is not the SettlementEngine of this plan: signers, delay or release differ"
            " from what was deployed with this salt; take another salt for a deployment of its own"
        )
    ending = handover(web3, plan, is_there=is_there)
    if ending.is_over:
        found.findings += [*(f"not as planned: {part}" for part in wiring.parts), *ending.findings]
        if found.steps:
            raise DeploymentError(
                f"the deployment was handed over, and there is no {found.steps[-1].name.removeprefix('deploy ')} of this plan:"
                " signers, delay or release differ from what was deployed with this salt"
            )
        return
    for name, parts in (("wire the roles", wiring.calls), ("hand over to the administrator", ending.calls)):
        if parts:
            gas = GAS_OF_A_TRANSACTION + GAS_OF_A_WIRING_CALL * len(parts)
            call = bind(web3, "AccessManager", plan.addresses["AccessManager"]).functions.multicall(
                [data for _, data in parts]
            )
            found.steps.append(Step(name, call, gas, tuple(part for part, _ in parts)))


def _require_funds(web3: Web3, plan: Plan, found: _Found) -> int:
    price = fees(web3)
    paid = price.get("gasPrice") or price["maxFeePerGas"]
    cost_wei = found.wei + sum(step.gas for step in found.steps) * int(paid)
    has_wei = web3.eth.get_balance(plan.deployer)
    if has_wei < cost_wei:
        raise DeploymentError(
            f"{plan.deployer} has {_ether(has_wei)} of the chain's coin, and the deployment may cost {_ether(cost_wei)}"
        )
    return cost_wei


def _ether(wei: int) -> str:
    """Write an amount in whole coins, to a millionth, rounded up."""
    millionths = -(-wei // 10**12)
    return f"{millionths // 10**6}.{millionths % 10**6:06}"


__all__ = ["DeploymentError", "Role", "Step", "Survey", "survey"]
