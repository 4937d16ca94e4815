"""What a run has come to, as JSON. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from api.bench.chain.options import ChainOptions


@dataclass(frozen=True)
class Goal:
    """What a figure is held against."""

    key: str
    bound: float
    at_least: bool = False

    def is_met(self, figure: float) -> bool:
        """Whether a figure is as good as it should be."""
        return figure >= self.bound if self.at_least else figure <= self.bound


GOALS = (
    Goal("publish_3_of_4", 72_000),
    Goal("publish_21_of_31", 170_000),
    Goal("settle_per_asset_50", 22_000),
    Goal("settle_per_asset_100", 20_500),
    Goal("day_ratio_to_naive", 60, at_least=True),
    Goal("share_transfer", 60_000),
)

UNITS = {
    "publish_3_of_4, publish_21_of_31": "gas of a transaction, the highest of a day, places of the ring written before",
    "publish_first_lap_3_of_4, publish_first_lap_21_of_31": "the same, places of the ring written for the first time",
    "settle_per_asset_50, settle_per_asset_100": "gas an asset, mean of the fleet's batches of that size; settled before",
    "settle_first_per_asset_100": "the same, nothing was settled before",
    "settle_second_month_per_asset_100": "the same, the first settlement of an asset's second month",
    "settle_new_month_per_asset_100": "the same, the first settlement of its third month; so it is with all that follow",
    "naive_per_asset": "gas of a transaction for one asset and interval, mean of the fleet's day of 24 intervals",
    "naive_first_per_asset": "the same, mean of each asset's first",
    "day_gas, naive_day_gas": "gas: 24 publications by 3 of 4 and one settlement of all assets in batches of 100; 24 x assets",
    "day_ratio_to_naive": "naive_day_gas / day_gas",
    "day_ratio_daylight_only": "the same, had the naive contract no transactions for hours of night",
    "share_transfer": "gas between two present holders, both with revenue since their last transfer",
    "share_transfer_to_new": "gas to an account that never held the share",
    "features": "gas an asset or a transaction by what it was spent on; adds up to that transaction",
}


@dataclass(frozen=True)
class Measured:
    """Gas, by what for."""

    first_lap: Mapping[str, int]
    """Quorum -> the last publication of the first day."""
    publish: Mapping[str, Sequence[int]]
    """Quorum -> the publications of the measured day."""
    settle_first: int
    """All of the fleet's batches together, as with those that follow."""
    settle: Mapping[int, int]
    """By size of a batch."""
    settle_first_turn: int
    """The first time that a month follows one."""
    settle_new_month: int
    """The second time."""
    share_transfer: int
    share_transfer_to_new: int
    naive_first: int
    """The first interval of each asset, together."""
    naive_day: int
    naive_daylight: int
    """The intervals of the day in which anything was produced."""
    naive_share_transfer: int
    features: Mapping[str, Mapping[str, float]] = field(default_factory=dict)
    """Transaction -> feature -> gas."""


@dataclass(frozen=True)
class ChainFigures:
    """All that a run has come to."""

    options: ChainOptions
    machine: Mapping[str, object]
    measured: Measured
    config: Mapping[str, object]

    @property
    def day_gas(self) -> int:
        """A day of the fleet: hourly publication, one settlement."""
        return sum(self.measured.publish["3-of-4"]) + self.measured.settle[100]

    def by_key(self) -> dict[str, float]:
        """The figures that have a goal, and those beside them."""
        measured, assets = self.measured, self.options.assets
        return {
            "publish_3_of_4": max(measured.publish["3-of-4"]),
            "publish_21_of_31": max(measured.publish["21-of-31"]),
            "publish_first_lap_3_of_4": measured.first_lap["3-of-4"],
            "publish_first_lap_21_of_31": measured.first_lap["21-of-31"],
            "settle_per_asset_50": round(measured.settle[50] / assets, 1),
            "settle_per_asset_100": round(measured.settle[100] / assets, 1),
            "settle_first_per_asset_100": round(measured.settle_first / assets, 1),
            "settle_second_month_per_asset_100": round(measured.settle_first_turn / assets, 1),
            "settle_new_month_per_asset_100": round(measured.settle_new_month / assets, 1),
            "naive_per_asset": round(measured.naive_day / assets / 24, 1),
            "naive_first_per_asset": round(measured.naive_first / assets, 1),
            "day_gas": self.day_gas,
            "naive_day_gas": measured.naive_day,
            "day_ratio_to_naive": round(measured.naive_day / self.day_gas, 2),
            "day_ratio_daylight_only": round(measured.naive_daylight / self.day_gas, 2),
            "share_transfer": measured.share_transfer,
            "share_transfer_to_new": measured.share_transfer_to_new,
            "naive_share_transfer": measured.naive_share_transfer,
        }

    @property
    def missed(self) -> list[str]:
        """Goals that were missed, in words."""
        found = self.by_key()
        return [
            f"{goal.key} is {found[goal.key]:,.1f}, the goal is at {'least' if goal.at_least else 'most'} {goal.bound:,.0f}"
            for goal in GOALS
            if not goal.is_met(found[goal.key])
        ]

    def to_json(self) -> dict[str, Any]:
        """The figures as `--json` writes them."""
        goals = {goal.key: {"at_least" if goal.at_least else "at_most": goal.bound} for goal in GOALS}
        return {
            **self.by_key(),
            "goals": goals,
            "missed": self.missed,
            "features": {
                name: {part: round(gas, 1) for part, gas in parts.items()}
                for name, parts in self.measured.features.items()
            },
            "machine": dict(self.machine),
            "config": {**self.config, "units": UNITS},
        }
