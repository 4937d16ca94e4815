"""The whole of `heliograph bench chain`: a season on Heliograph's contracts, a day on the naive one; one set of figures."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial

from web3 import Web3

from api.bench.chain import fleet
from api.bench.chain.anvil import HARDFORK, OPTIONS, MeasureError, gas_of
from api.bench.chain.figures import ChainFigures, Measured
from api.bench.chain.fleet import Amount, Plant
from api.bench.chain.naive_day import NaiveJob, measure_naive
from api.bench.chain.options import ChainOptions
from api.bench.chain.parts import parts_of
from api.bench.chain.season import FILLING_DAYS, Day, Season
from api.bench.chain.site import ACTIVATION_DELAY_S, BUFFER_BPS, LARGE, SHARES, SMALL, Site, build, issue_share
from api.bench.machine import processor
from api.demo.chains import start_chain
from contracts import artifact
from contracts.state import credit_id, to_bytes32

Progress = Callable[[str, float], None]
"""(what is being done, share of it that is done)."""
MONTH = fleet.YEAR * 100 + 6
BATCH, SMALLER_BATCH = 100, 50


@dataclass(frozen=True)
class _Run:
    """What a season on Heliograph's contracts took."""

    client: str
    first: Day
    hundred: Day
    fifty: Day
    first_turn: Day
    new_month: Day
    to_new: int
    transfer: int
    features: Mapping[str, Mapping[str, float]] = field(default_factory=dict)


def bench_chain(options: ChainOptions, on_progress: Progress) -> ChainFigures:
    """Run everything.

    Raises:
        ChainError: anvil is missing or does not start.
        MeasureError, ChainRefusalError: a contract refused, or the tokens are not what they should be.

    """
    plants = fleet.fleet(options.assets, options.projects)
    with start_chain("anvil", OPTIONS) as chain:
        run = _heliograph(chain.connect(), plants, on_progress, traces=options.traces)
    with start_chain("anvil", OPTIONS) as chain:
        posting = partial(on_progress, "posting a day to the naive contract")
        job = NaiveJob(plants, fleet.FIRST_DAY + FILLING_DAYS, MONTH)
        naive = measure_naive(chain.connect(), job, posting, traces=options.traces)
    measured = Measured(
        first_lap={quorum: gas_of(receipts[-1]) for quorum, receipts in run.first.published.items()},
        publish={quorum: list(map(gas_of, receipts)) for quorum, receipts in run.hundred.published.items()},
        settle_first=run.first.settled_gas,
        settle={BATCH: run.hundred.settled_gas, SMALLER_BATCH: run.fifty.settled_gas},
        settle_first_turn=run.first_turn.settled_gas,
        settle_new_month=run.new_month.settled_gas,
        share_transfer=run.transfer,
        share_transfer_to_new=run.to_new,
        naive_first=naive.first,
        naive_day=naive.day,
        naive_daylight=naive.daylight,
        naive_share_transfer=naive.share_transfer,
        features={**run.features, "naive_per_asset": naive.features} if options.traces else {},
    )
    machine = {**processor(), "anvil": run.client, "solc": artifact("ProductionOracle").compiler}
    return ChainFigures(options, machine, measured, _config(options, naive.transactions))


def _heliograph(web3: Web3, plants: Sequence[Plant], on_progress: Progress, *, traces: bool) -> _Run:
    on_progress("deploying and registering", 0.0)
    site = build(web3, plants)
    season = Season(site)
    first = season.fill(BATCH, partial(on_progress, "publishing until every place of the ring was written"))
    holders = site.anvil.accounts[1:3]
    share = issue_share(site, plants[0], holders)
    move = partial(site.anvil.transact, share, "transfer", [holders[1], SHARES // 4], holders[0])
    to_new = gas_of(move())
    on_progress("two days and two new months", 0.0)
    hundred = season.run(fleet.FIRST_DAY + FILLING_DAYS, BATCH)
    transfer = move()
    found: Mapping[str, Mapping[str, float]] = {}
    if traces:
        on_progress("tracing", 0.0)
        found = parts_of(site, hundred, BATCH, share, transfer, holders)
    fifty = season.run(fleet.FIRST_DAY + FILLING_DAYS + 1, SMALLER_BATCH)
    first_turn, new_month = (season.run(day, BATCH, hours=[fleet.HOURS - 1]) for day in fleet.MONTHS_LATER)
    _check(site, season.totals)
    return _Run(site.anvil.client, first, hundred, fifty, first_turn, new_month, to_new, gas_of(transfer), found)


def _check(site: Site, totals: Mapping[Plant, Amount]) -> None:
    """Hold marks and supply against what was produced."""
    ledger, credit = site.contract("MarkLedger"), site.contract("CarbonCredit")
    marks = site.anvil.read(ledger, "markOf", [[to_bytes32(plant.asset_id), fleet.YEAR] for plant in totals])
    for (plant, total), mark in zip(totals.items(), marks, strict=True):
        if mark[:3] != (total.energy_wh, total.credits_g, total.revenue_minor):
            raise MeasureError(f"{plant.asset_id} was settled up to {mark[:3]}, not {total}")
    projects = sorted({plant.project_id for plant in totals})
    supplies = site.anvil.read(credit, "totalSupply", [[credit_id(project, fleet.YEAR)] for project in projects])
    for project, (grams,) in zip(projects, supplies, strict=True):
        produced = sum(total.credits_g for plant, total in totals.items() if plant.project_id == project)
        if grams != produced:
            raise MeasureError(f"{grams} g of {project} were minted, not {produced}")


def _config(options: ChainOptions, naive_transactions: int) -> dict[str, object]:
    return {
        "assets": options.assets,
        "projects": options.projects,
        "hardfork": HARDFORK,
        "compiler": "optimizer 10 000 runs, cancun, for all contracts alike",
        "settlement": "settleMulti, the leaves of one tree in its order; every asset has a right to credits and made some",
        "caps": "nameplate x capacity factor, factor, tariff; a rate limit a project",
        "buffer_bps": BUFFER_BPS,
        "activation_delay_s": ACTIVATION_DELAY_S,
        "published": f"every hour of {FILLING_DAYS + 2} days by {SMALL} and by {LARGE}, each on an oracle of its own",
        "naive": "contracts/peer/NaiveEnergyToken.sol; every transaction of the day was sent",
        "naive_transactions": naive_transactions,
    }
