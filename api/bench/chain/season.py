"""Days of a fleet on Heliograph's contracts: published every hour, settled once a day."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from api.bench.chain import fleet
from api.bench.chain.anvil import gas_of
from api.bench.chain.fleet import Amount, Plant, statement_of
from api.bench.chain.settling import Tree
from api.bench.chain.site import ACTIVATION_DELAY_S, SIGNERS, SMALL, Site
from oracle.reporting.keccak import keccak256

RING_PLACES = 256
FILLING_DAYS = -(-RING_PLACES // fleet.HOURS)
"""So many days of hourly reports write every place of the ring."""
PUBLISHED_AFTER_S = 20
Receipt = dict[str, Any]


@dataclass(frozen=True)
class Day:
    """What one day took."""

    published: dict[str, list[Receipt]]
    """By quorum, hour by hour."""
    settled: list[Receipt]
    """Batch by batch."""
    epoch: int
    """The report that was settled."""

    @property
    def settled_gas(self) -> int:
        """All batches together."""
        return sum(map(gas_of, self.settled))


class Season:
    """Days in order. Each is published hour by hour and settled half an hour after its end."""

    def __init__(self, site: Site) -> None:
        self._site = site
        self.totals: dict[Plant, Amount] = {plant: plant.until(fleet.FIRST_DAY) for plant in site.plants}
        """What each plant has produced this year."""

    def fill(self, batch: int, on_progress: Callable[[float], None]) -> Day:
        """Run days until every place of the ring has been written; return the first."""
        days = []
        for number in range(FILLING_DAYS):
            on_progress(number / FILLING_DAYS)
            days.append(self.run(fleet.FIRST_DAY + number, batch))
        return days[0]

    def run(self, day: int, batch: int, hours: Sequence[int] = range(fleet.HOURS)) -> Day:
        """Publish a day of the year at the end of these hours, and settle the last of them in batches of a size.

        The roots of the others are made up: nobody asks what stands under them.
        """
        published: dict[str, list[Receipt]] = {quorum: [] for quorum in SIGNERS}
        cutoff_s = fleet.NEW_YEAR_S + day * fleet.DAY_S
        for hour in range(hours[-1] + 1):
            cutoff_s += fleet.HOUR_S
            for plant in self.totals:
                self.totals[plant] += plant.hour(day, hour)
            if hour in hours[:-1]:
                self._publish(keccak256(f"root of {cutoff_s}".encode()), cutoff_s, published)
        tree = Tree.over(
            [statement_of(plant, total, cutoff_s) for plant, total in self.totals.items()],
            [plant.project_id for plant in self.totals],
        )
        self._publish(tree.root, cutoff_s, published)
        self._site.anvil.at(cutoff_s + PUBLISHED_AFTER_S + ACTIVATION_DELAY_S + len(SIGNERS))
        return Day(published, self._site.settle(tree, batch), self._site.publishers[SMALL].epoch)

    def _publish(self, root: bytes, cutoff_s: int, published: dict[str, list[Receipt]]) -> None:
        total = sum(self.totals.values(), Amount())
        for number, (quorum, publisher) in enumerate(self._site.publishers.items()):
            self._site.anvil.at(cutoff_s + PUBLISHED_AFTER_S + number)
            published[quorum].append(publisher.publish(root, total, len(self.totals), cutoff_s))
