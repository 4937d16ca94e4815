"""The figures of a run as tables for people. Pure."""

from collections.abc import Mapping

from rich.console import Group
from rich.table import Table

from api.bench.chain.figures import GOALS, ChainFigures

BESIDE = {
    "publish_3_of_4": "",
    "settle_per_asset_100": "naive_per_asset",
    "settle_first_per_asset_100": "naive_first_per_asset",
    "day_gas": "naive_day_gas",
    "share_transfer": "naive_share_transfer",
}
"""Figure -> that of the naive contract that does the same."""
LABELS = {
    "publish_3_of_4": "publish, 3 of 4",
    "publish_first_lap_3_of_4": "  first lap of the ring",
    "publish_21_of_31": "publish, 21 of 31",
    "publish_first_lap_21_of_31": "  first lap of the ring",
    "settle_per_asset_50": "settle an asset, batches of 50",
    "settle_per_asset_100": "settle an asset, batches of 100",
    "settle_new_month_per_asset_100": "  first of a month",
    "settle_second_month_per_asset_100": "  first of its second month",
    "settle_first_per_asset_100": "  first ever",
    "day_gas": "a day of the fleet",
    "day_ratio_to_naive": "naive day / ours",
    "day_ratio_daylight_only": "  naive without its hours of night",
    "share_transfer": "share transfer",
    "share_transfer_to_new": "  to a new holder",
}
TITLES = {
    "publish_3_of_4": "publish, 3 of 4: gas",
    "publish_21_of_31": "publish, 21 of 31: gas",
    "settle_per_asset_100": "settle in a batch of 100: gas an asset",
    "share_transfer": "share transfer: gas",
    "naive_per_asset": "naive contract, one asset and interval: gas",
}


def to_tables(figures: ChainFigures) -> Group:
    """Figures beside goals and the naive contract; then what each transaction was spent on."""
    features = figures.measured.features
    return Group(_summary(figures), *(_parts(TITLES[name], parts) for name, parts in features.items()))


def _summary(figures: ChainFigures) -> Table:
    table = Table("gas", "", "goal", "naive", box=None, header_style="bold")
    for column in table.columns[1:]:
        column.justify = "right"
    found, goals = figures.by_key(), {goal.key: goal for goal in GOALS}
    for key, label in LABELS.items():
        goal = goals.get(key)
        bound = ""
        if goal:
            bound = f"{'≥' if goal.at_least else '≤'} {goal.bound:,.0f}{'' if goal.is_met(found[key]) else ' MISSED'}"
        beside = BESIDE.get(key, "")
        table.add_row(label, _shown(found[key]), bound, _shown(found[beside]) if beside else "")
    return table


def _parts(title: str, parts: Mapping[str, float]) -> Table:
    table = Table(title, "", "", box=None, header_style="bold", title_justify="left")
    table.columns[1].justify = table.columns[2].justify = "right"
    total = sum(parts.values())
    for name, gas in parts.items():
        table.add_row(f"  {name}", _shown(gas), f"{gas / total:.1%}")
    table.add_row("  together", _shown(total), "")
    return table


def _shown(number: float) -> str:
    return f"{number:,.0f}" if number >= 1000 else f"{number:,.1f}"
