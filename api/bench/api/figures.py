"""What a run of `heliograph bench api` came to: JSON, table, goals. Pure."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from rich.table import Table

from api.bench.api.asking import MIX
from api.bench.api.clients import Answered
from api.bench.api.listeners import Heard
from api.bench.api.options import ApiOptions

LEAST_RATIO = 0.5
MOST_P99_MS = 50.0
CLIENT_BUSY = 0.9
"""Share of a processor above which the clients, and not the server, may be what limits."""
MOST_DISK_WAIT_S = 0.05
"""Longer waits for the disk can be seen in p99."""
UNITS = {
    "reads_per_s": "reads answered per second, every connection asking again as soon as it is answered",
    "empty_per_s": "the same for a FastAPI route that answers {}, in turns with the reads",
    "p50_ms, p99_ms": "of reads at half that rate, from the time each was due to the last byte of its answer, while all listeners are "
    "connected and each asset has an event every five minutes",
    "listeners": "connections to /v1/events that were open at the same time",
    "ratio_by_cpu": "processor time of the server for an empty request over that for a read",
    "event_lag_p99_ms": "from the beginning of the write of an event to its arrival at a listener, over all of them",
}


@dataclass(frozen=True)
class Spent:
    """What a server spent on something."""

    cpu_s: float
    """Processor time [s]."""
    wall_s: float
    """Time that passed [s]."""
    times: int
    """How often it was done."""

    def __add__(self, other: "Spent") -> "Spent":
        """Both together."""
        return Spent(self.cpu_s + other.cpu_s, self.wall_s + other.wall_s, self.times + other.times)

    @property
    def share(self) -> float:
        """Of one processor."""
        return self.cpu_s / self.wall_s

    @property
    def us_each(self) -> float:
        """Processor time each [µs]."""
        return self.cpu_s / max(self.times, 1) * 1e6


@dataclass(frozen=True)
class Measured:
    """The parts of a run."""

    options: ApiOptions
    rows: int
    """Rows of the ledger that was filled."""
    fill_s: float
    reads: Sequence[Answered]
    empties: Sequence[Answered]
    steady: Answered
    """At half the highest rate."""
    offered_per_s: float
    """That rate."""
    told: Sequence[tuple[int, int]]
    """(number, instant at which writing it began [ns]) of each event."""
    heard: Heard | None
    """None without listeners."""
    server_cpu: dict[str, Spent]
    """What its server spent, by what was asked."""
    others_cpu: float
    """Share of all processors that other programs took."""
    disk_wait_s: float | None
    """Time in which somebody waited for a disk while latencies were measured [s]; None where the kernel does not tell."""
    machine: dict[str, object]


@dataclass(frozen=True)
class Figures:
    """The same, worked out."""

    measured: Measured

    @property
    def reads_per_s(self) -> float:
        """Highest rate of reads."""
        return _rate(self.measured.reads)

    @property
    def empty_per_s(self) -> float:
        """Highest rate of the empty route."""
        return _rate(self.measured.empties)

    @property
    def ratio(self) -> float:
        """How many reads go into an empty request."""
        return self.reads_per_s / self.empty_per_s

    @property
    def ratio_by_cpu(self) -> float:
        """The same by the servers' processor time, which other programs on the machine do not take away."""
        spent = self.measured.server_cpu
        return spent["empty"].us_each / spent["reads"].us_each

    @property
    def event_lag_ms(self) -> NDArray[np.float64]:
        """Lag of each event at each listener [ms]."""
        heard = self.measured.heard
        began = dict(self.measured.told)
        arrivals = heard.arrivals if heard is not None else ()
        return np.array([(at - began[number]) / 1e6 for _, number, at in arrivals if number in began])

    @property
    def failures(self) -> list[str]:
        """Why the run does not count, in words; empty if it does."""
        found = [fault for each in self._asked() for fault in each.faults]
        statuses: Counter[int] = Counter()
        for each in self._asked():
            statuses.update(each.statuses)
        found += [f"{count} answers had status {status}" for status, count in statuses.items() if status != 200]
        if unanswered := sum(each.unanswered for each in self._asked()):
            found.append(f"{unanswered} requests were not answered")
        if self.measured.rows != self.measured.options.rows:
            found.append(f"the projection has {self.measured.rows} rows, {self.measured.options.rows} were booked")
        return found + self._unheard()

    @property
    def missed(self) -> list[str]:
        """Goals that were missed, in words."""
        found = []
        if self.ratio < LEAST_RATIO:
            found.append(
                f"reads are {self.ratio:.2f} of an empty route's requests per second, at least {LEAST_RATIO} is the goal"
            )
        p99_ms = percentile_ms(self.measured.steady, 99)
        if p99_ms >= MOST_P99_MS:
            found.append(f"p99 is {p99_ms:.1f} ms at half the highest rate, under {MOST_P99_MS:g} ms is the goal")
        return found

    @property
    def notes(self) -> list[str]:
        """What to know when reading the figures."""
        found = []
        busy = max((each.cpu_s / each.seconds for each in [*self.measured.reads, *self.measured.empties]), default=0)
        if busy > CLIENT_BUSY:
            found.append(f"the clients took {busy:.0%} of a processor: they may be what limits")
        if self.measured.others_cpu > 0.05:
            found.append(
                f"the machine was not quiet: other programs took {self.measured.others_cpu:.0%} of its processors"
            )
        waited_s = self.measured.disk_wait_s or 0.0
        if waited_s > MOST_DISK_WAIT_S:
            found.append(f"the disk kept programs waiting for {waited_s * 1000:.0f} ms while p99 was measured")
        return found

    def to_json(self) -> dict[str, Any]:
        """The keys of the JSON result."""
        measured, options = self.measured, self.measured.options
        lag = self.event_lag_ms
        return {
            "reads_per_s": round(self.reads_per_s, 1),
            "empty_per_s": round(self.empty_per_s, 1),
            "ratio": round(self.ratio, 4),
            "p50_ms": round(percentile_ms(measured.steady, 50), 3),
            "p99_ms": round(percentile_ms(measured.steady, 99), 3),
            "offered_per_s": round(measured.offered_per_s, 1),
            "listeners": options.listeners if measured.heard is not None else 0,
            "events": len(measured.told),
            "event_lag_p50_ms": round(float(np.percentile(lag, 50)), 3) if len(lag) else None,
            "event_lag_p99_ms": round(float(np.percentile(lag, 99)), 3) if len(lag) else None,
            "rows": measured.rows,
            "fill_s": round(measured.fill_s, 1),
            "bytes_a_read": round(sum(each.octets for each in measured.reads) / max(self._answers(measured.reads), 1)),
            "rounds": {
                "reads_per_s": [round(each.per_s, 1) for each in measured.reads],
                "empty_per_s": [round(each.per_s, 1) for each in measured.empties],
            },
            "cpu_us_a_read": round(measured.server_cpu["reads"].us_each, 1),
            "cpu_us_an_empty": round(measured.server_cpu["empty"].us_each, 1),
            "ratio_by_cpu": round(self.ratio_by_cpu, 4),
            "cpu": {name: round(spent.share, 3) for name, spent in measured.server_cpu.items()}
            | {
                "clients_at_reads": round(
                    sum(e.cpu_s for e in measured.reads) / sum(e.seconds for e in measured.reads), 3
                ),
                "other_programs": round(measured.others_cpu, 3),
            },
            "disk_wait_ms": None if measured.disk_wait_s is None else round(measured.disk_wait_s * 1000, 1),
            "failures": self.failures,
            "missed": self.missed,
            "notes": self.notes,
            "machine": measured.machine,
            "config": {
                "assets": options.assets,
                "days": options.days,
                "seconds": options.seconds,
                "rounds": options.rounds,
                "clients": options.clients,
                "mix": MIX,
                "server": "uvicorn, one process, as heliograph api serves: all middlewares, an API key on each read, no rate limit",
                "empty": "FastAPI, one async route that answers {}, served alike",
                "clients_are": "one process of raw connections that stay open; the same for both",
                "repeated": "each read draws its asset and day by chance",
                "units": UNITS,
            },
        }

    def to_table(self) -> Table:
        """The same for people."""
        told = self.to_json()
        table = Table("figure", "", box=None, header_style="bold")
        table.columns[1].justify = "right"
        rows = [
            ("rows in the ledger", f"{told['rows']:,}"),
            ("reads/s, highest", f"{told['reads_per_s']:,.0f}"),
            ("empty route/s, highest", f"{told['empty_per_s']:,.0f}"),
            ("ratio / by the servers' processor time", f"{told['ratio']:.2f} / {told['ratio_by_cpu']:.2f}"),
            (f"p50 / p99 at {told['offered_per_s']:,.0f} reads/s, ms", f"{told['p50_ms']:.1f} / {told['p99_ms']:.1f}"),
            ("bytes a read", f"{told['bytes_a_read']:,}"),
            ("listeners / events", f"{told['listeners']} / {told['events']}"),
            ("event lag p50 / p99, ms", f"{_shown(told['event_lag_p50_ms'])} / {_shown(told['event_lag_p99_ms'])}"),
        ]
        for row in rows:
            table.add_row(*row)
        return table

    def _asked(self) -> list[Answered]:
        return [*self.measured.reads, *self.measured.empties, self.measured.steady]

    @staticmethod
    def _answers(rounds: Sequence[Answered]) -> int:
        return sum(count for each in rounds for count in each.statuses.values())

    def _unheard(self) -> list[str]:
        heard = self.measured.heard
        if heard is None:
            return []
        found = list(heard.faults)
        if heard.lost:
            found.append(f"{heard.lost} of {self.measured.options.listeners} listeners were cut off")
        wanted = {number for number, _ in self.measured.told}
        times = Counter((connection, number) for connection, number, _ in heard.arrivals if number in wanted)
        missing = len(wanted) * self.measured.options.listeners - len(times)
        if missing:
            found.append(f"{missing} events did not reach a listener")
        if doubled := sum(count > 1 for count in times.values()):
            found.append(f"{doubled} events reached a listener more than once")
        return found


def percentile_ms(answered: Answered, share: float) -> float:
    """A percentile of latencies [ms]."""
    return float(np.percentile(answered.latency_ns, share)) / 1e6 if len(answered.latency_ns) else float("inf")


def _rate(rounds: Sequence[Answered]) -> float:
    return sum(len(each.latency_ns) for each in rounds) / sum(each.seconds for each in rounds)


def _shown(figure: float | None) -> str:
    return "-" if figure is None else f"{figure:.1f}"
