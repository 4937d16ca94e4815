"""A day of the fleet on the naive contract, every transaction of it."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from web3 import Web3

from api.bench.chain import fleet
from api.bench.chain.anvil import Anvil, MeasureError, gas_of
from api.bench.chain.features import Names, features
from api.bench.chain.fleet import Plant
from api.bench.chain.naive import ROLE, SHARES, Naive, server
from contracts import PEER, artifact
from contracts.state import credit_id, to_bytes32

NOON = 12


@dataclass(frozen=True)
class NaiveDay:
    """Gas."""

    first: int
    """The first interval of each asset, together."""
    day: int
    """Every interval of every asset."""
    daylight: int
    """Those of them in which anything was produced."""
    transactions: int
    share_transfer: int
    features: Mapping[str, float]
    """Of one asset's interval at noon."""


@dataclass(frozen=True)
class NaiveJob:
    """What is posted."""

    plants: Sequence[Plant]
    day: int
    """Of the year, from 0."""
    month: int
    """yyyymm"""

    @property
    def midnight_s(self) -> int:
        """When the day begins [s UTC]."""
        return fleet.NEW_YEAR_S + self.day * fleet.DAY_S


def measure_naive(web3: Web3, job: NaiveJob, on_progress: Callable[[float], None], *, traces: bool) -> NaiveDay:
    """Post one hour of the day before, then the whole day; hold what was minted against what was produced.

    Raises:
        MeasureError: a transaction was refused, or the tokens are not what they should be.

    """
    anvil = Anvil(web3)
    holders = anvil.accounts[1:3]
    currency = anvil.put(artifact("HKDStablecoin"), anvil.accounts[0])
    naive = Naive(anvil, anvil.put(artifact(PEER), anvil.accounts[0], currency.address))
    naive.enlist(job.plants, holders)
    first = naive.post_hour(job.plants, job.day - 1, NOON, job.midnight_s - fleet.DAY_S, job.month)
    share = int.from_bytes(to_bytes32(job.plants[0].asset_id), "big")
    move = [holders[0], holders[1], share, SHARES // 4, b""]
    anvil.transact(naive.token, "safeTransferFrom", move, holders[0])
    hours: list[int] = []
    for hour in range(fleet.HOURS):
        on_progress(hour / fleet.HOURS)
        hours.append(sum(naive.post_hour(job.plants, job.day, hour, job.midnight_s, job.month)))
    daylight = sum(gas for gas, share in zip(hours, fleet.SHARE_OF_DAY, strict=True) if share)
    transfer = gas_of(anvil.transact(naive.token, "safeTransferFrom", move, holders[0]))
    _check(anvil, naive, job)
    return NaiveDay(
        first=sum(first),
        day=sum(hours),
        daylight=daylight,
        transactions=len(hours) * len(job.plants),
        share_transfer=transfer,
        features=_features(anvil, naive, job) if traces else {},
    )


def _check(anvil: Anvil, naive: Naive, job: NaiveJob) -> None:
    owners = [[plant.owner, credit_id(plant.project_id, job.month // 100)] for plant in job.plants]
    minted = anvil.read(naive.token, "balanceOf", owners)
    months = anvil.read(naive.token, "months", [[to_bytes32(plant.asset_id), job.month] for plant in job.plants])
    for plant, (grams,), (attested, _) in zip(job.plants, minted, months, strict=True):
        posted = sum((plant.hour(job.day, hour) for hour in range(fleet.HOURS)), plant.hour(job.day - 1, NOON))
        if (grams, attested) != (posted.credits_g, posted.revenue_minor):
            raise MeasureError(f"the naive contract has {grams} g and {attested} for {plant.asset_id}, not {posted}")


def _features(anvil: Anvil, naive: Naive, job: NaiveJob) -> Mapping[str, float]:
    """Trace one more interval, like those of noon."""
    plant, token = job.plants[0], naive.token
    midnight_s = job.midnight_s + fleet.DAY_S
    sent = naive.post_one(plant, job.day + 1, NOON, midnight_s, job.month)
    asset = to_bytes32(plant.asset_id)
    credit = credit_id(plant.project_id, job.month // 100)
    names = Names()
    names.add_contract("naive contract", token)
    for name, getter, arguments in (
        ("the interval", "intervals", [asset, midnight_s + NOON * fleet.HOUR_S]),
        ("the month's receivable", "months", [asset, job.month]),
        ("the asset", "assets", [asset]),
        ("the server's role", "hasRole", [ROLE, server()]),
        ("the owner's credits", "balanceOf", [plant.owner, credit]),
        ("supply of the id", "totalSupply(uint256)", [credit]),
        ("supply of all ids", "totalSupply()", []),
    ):
        names.add_slots(anvil, name, token, getter, [arguments])
    return {part.name: part.gas for part in features(anvil, sent, names)}
