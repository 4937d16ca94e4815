"""A deployment as the command line runs it: hold the plan against the chain, send what is missing, say what is there."""

import json
import logging
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import click
from web3 import HTTPProvider, Web3

from api.commands.interruption import EXIT_INTERRUPTED
from api.configuration.deployment import DeployConfig
from api.destinations import require_file_place, write_whole
from contracts.address_book import AddressBook, connect
from contracts.deployment import await_pending, carry_out, first_block_of
from contracts.plan import Plan
from contracts.roles import Holder, holders
from contracts.state import Role
from contracts.survey import DeploymentError, Survey, survey
from contracts.transaction import ChainRefusalError
from oracle.errors import ChainError, ConfigError

log = logging.getLogger(__name__)

RPC_TIMEOUT_S = 30


def run_deployment(config: DeployConfig, stop: threading.Event, *, dry_run: bool = False) -> None:
    """Deploy what is missing; leave with 1 where what is there is not as planned and no longer the deployer's to change.

    Raises:
        ConfigError: the deployment cannot be made so; nothing was sent.
        ChainError: the chain does not answer, or refused a step; another call goes on from there.

    """
    plan, known = config.plan(), config.known_book()
    from_block = max(config.chain.from_block, known.block if known else 0)
    require_file_place(config.deployment.address_book)
    web3 = Web3(HTTPProvider(config.chain.url(), request_kwargs={"timeout": RPC_TIMEOUT_S}))
    with _speaking_to_the_chain():
        if not dry_run:
            await_pending(web3, plan.deployer, log.info)
        found = survey(web3, plan, from_block)
        if dry_run:
            click.echo(json.dumps(_proposal(plan, found), indent=1))
            return
        sent = _carry_out(web3, config, plan, found, stop)
        left = survey(web3, plan, from_block)
        if left.steps:
            raise ChainError(f"{left.steps[0].name}: was sent and did not come about")
        book = plan.book(first_block_of(web3, plan, from_block))
        write_whole(config.deployment.address_book, book.to_json())
        result = _result(web3, plan, book, sent, left)
    _tell(found, left, result)
    click.echo(json.dumps(result, indent=1))
    if left.findings:
        sys.exit(1)


def _carry_out(
    web3: Web3, config: DeployConfig, plan: Plan, found: Survey, stop: threading.Event
) -> list[dict[str, str]]:
    """Send the steps, until all are done or the process is asked to stop."""
    begun: list[str] = []

    def on_step(name: str) -> None:
        if stop.is_set():
            click.echo(f"stopped before: {name}; call again to go on", err=True)
            sys.exit(EXIT_INTERRUPTED)
        begun.append(name)
        log.info("%d of %d: %s", len(begun), len(found.steps), name)

    if not found.steps:
        return []
    hashes = carry_out(web3, config.deployer.load_account(), plan, found, on_step)
    return [{"step": name, "hash": each} for name, each in zip(begun, hashes, strict=True)]


def _proposal(plan: Plan, found: Survey) -> dict[str, Any]:
    """What would be sent, and where everything will be."""
    return {
        "dry_run": True,
        "chain_id": plan.chain_id,
        "addresses": dict(plan.addresses),
        "would_send": [{"step": step.name, "parts": list(step.parts)} for step in found.steps],
        "may_cost_wei": found.cost_wei,
        "findings": list(found.findings),
    }


def _result(web3: Web3, plan: Plan, book: AddressBook, sent: list[dict[str, str]], left: Survey) -> dict[str, Any]:
    """What was done and what is there, read back from the chain."""
    oracle = connect(web3, book, "ProductionOracle").functions
    return {
        "changed": bool(sent),
        "chain_id": book.chain_id,
        "block": book.block,
        "addresses": dict(book.addresses),
        "currency": book.currency,
        "transactions": sent,
        "signers": oracle.signers().call(),
        "threshold": oracle.threshold().call(),
        "activation_delay_s": oracle.activationDelay().call(),
        "roles": [
            {"role": one.label, "account": one.account, "delay_s": one.delay_s, "planned": _is_planned(plan, one)}
            for one in holders(web3, book.addresses["AccessManager"], book.block)
        ],
        "findings": list(left.findings),
    }


def _is_planned(plan: Plan, holder: Holder) -> bool:
    """Whether the plan gives an account this role."""
    if holder.role == Role.SETTLER:
        return holder.account == plan.addresses["SettlementEngine"]
    return any((grant.role, grant.account) == (holder.role, holder.account) for grant in plan.grants)


def _tell(found: Survey, left: Survey, result: dict[str, Any]) -> None:
    """Say on stderr what happened and who has which role."""
    if found.steps:
        click.echo(f"deployed: {len(found.steps)} transactions", err=True)
    else:
        click.echo("nothing to do: everything is there" + ("" if left.findings else " and as planned"), err=True)
    for role in Role:
        having = [one for one in result["roles"] if one["role"] == role.name]
        for one in having:
            waits = f", calls wait {one['delay_s']} s" if one["delay_s"] else ""
            extra = "" if one["planned"] else " (not of this plan)"
            click.echo(f"{role.name:<16} {one['account']}{waits}{extra}", err=True)
        if not having:
            click.echo(f"{role.name:<16} nobody", err=True)
    for one in (one for one in result["roles"] if one["role"] not in Role.__members__):
        click.echo(f"{one['role']:<16} {one['account']} (not of this plan)", err=True)
    for finding in left.findings:
        click.echo(finding, err=True)


@contextmanager
def _speaking_to_the_chain() -> Iterator[None]:
    """Make one clear error of whatever goes wrong, by whose fault it is."""
    try:
        yield
    except (ChainError, ConfigError):
        raise
    except DeploymentError as error:
        raise ConfigError(f"{error}; nothing was sent") from error
    except ChainRefusalError as error:
        raise ChainError(f"{error}; call again to go on from here") from error
    except OSError as error:  # its text may hold the URL, and that a key
        raise ChainError(f"the chain does not answer: {type(error).__name__}") from None
    except Exception as error:  # a node's client raises what it likes
        raise ChainError(f"the chain does not answer as it should: {error}") from error
