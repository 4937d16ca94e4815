"""The figures of a run as JSON and as a table. Pure."""

import os
from dataclasses import dataclass
from typing import Any

from rich.table import Table

from api.bench import fleet
from api.bench.journal_check import JournalFindings
from api.bench.limits import Limits
from api.bench.load_run import LoadRun
from api.bench.options import IngestOptions
from api.bench.peer_load import PeerFigures
from api.bench.plan import Plan

REFERENCE_P256_PER_CORE = 16_200
"""P-256 verifications a second and core of the machine that the required rates are for."""
REFERENCE_COMMIT_READINGS = 3.4e6
NOT_QUIET = 0.05
"""Share of the processors that other programs may take before the figures carry a note."""
REQUIRED_RATES = {1000: 1_000_000, 100: 300_000}
"""Readings per second to be held on that machine, by readings an envelope."""
UNITS = {
    "offered_per_s": "good readings/s, each once; duplicates and bad envelopes come on top",
    "readings_per_s": "good readings/s answered, each once",
    "p50_ms, p99_ms": "from the scheduled sending to the signed acknowledgement at the gateway; each sending counts",
    "lost, doubled": "readings by (device, boot epoch, sequence)",
    "refused, duplicates, acked_envelopes": "envelopes",
    "verify_limit_per_s": "signatures (envelopes)/s, two processes together",
    "commit_limit_per_s": "readings/s, one process",
    "ratio_to_limit": "readings_per_s / min(verify_limit_per_s x batch, commit_limit_per_s)",
    "highest_rate_p99_50ms": "readings/s",
    "peer_readings_per_s": "readings/s, the better variant",
}


@dataclass(frozen=True)
class Figures:
    """All that a run has come to."""

    options: IngestOptions
    machine: dict[str, object]
    limits: Limits
    plan: Plan
    run: LoadRun
    findings: JournalFindings
    highest_rate: float | None
    peer: PeerFigures

    @property
    def failures(self) -> list[str]:
        """Why the run does not count, in words; empty if it does."""
        found = [*self.run.measured.failures, *self.findings.failures]
        if self.run.envelopes != self.plan.good:
            found.append(f"the node counted {self.run.envelopes} new envelopes, {self.plan.good} were offered")
        if self.run.refused != self.plan.bad:
            found.append(f"the node refused {self.run.refused} envelopes, {self.plan.bad} were bad")
        if self.run.duplicates != self.plan.duplicates:
            found.append(f"the node counted {self.run.duplicates} duplicates, {self.plan.duplicates} were sent")
        if self.run.shed:
            found.append(f"the node turned {self.run.shed} messages away: more than it could work on")
        return found

    @property
    def notes(self) -> list[str]:
        """What to know when reading the figures."""
        others_s, whole_s = self.run.cpu_s["others"], self.plan.seconds * (os.cpu_count() or 1)
        if others_s < NOT_QUIET * whole_s:
            return []
        return [f"the machine was not quiet: other programs took {others_s:.1f} of {whole_s:.0f} s of its processors"]

    @property
    def limit_readings_per_s(self) -> float:
        """The smaller limit, in readings."""
        return min(self.limits.verify_per_s * self.options.batch, self.limits.commit_readings_per_s)

    @property
    def scale(self) -> float:
        """How much of the reference machine this one is; 1 at most."""
        return min(
            1.0,
            self.limits.p256_per_core_per_s / REFERENCE_P256_PER_CORE,
            self.limits.commit_readings_per_s / REFERENCE_COMMIT_READINGS,
        )

    @property
    def required_rate(self) -> int | None:
        """Readings per second to be held on this machine; None for a batch without a requirement."""
        required = REQUIRED_RATES.get(self.options.batch)
        return None if required is None else round(required * self.scale)

    def to_json(self) -> dict[str, Any]:
        """The keys of the JSON result."""
        measured, best = self.run.measured, self.peer.best
        return {
            "offered_per_s": round(measured.offered_per_s, 1),
            "readings_per_s": round(measured.readings_per_s, 1),
            "p50_ms": _rounded(measured.p50_ms),
            "p99_ms": _rounded(measured.p99_ms),
            "lost": self.findings.lost,
            "doubled": self.findings.doubled,
            "refused": measured.refused,
            "duplicates": self.run.duplicates,
            "acked_envelopes": measured.acked_envelopes,
            "generator_late_ms_p99": _rounded(measured.late_ms_p99),
            "cpu_seconds": self.run.cpu_s,
            "verify_limit_per_s": round(self.limits.verify_per_s, 1),
            "commit_limit_per_s": round(self.limits.commit_readings_per_s, 1),
            "ratio_to_limit": round(measured.readings_per_s / self.limit_readings_per_s, 4),
            "highest_rate_p99_50ms": None if self.highest_rate is None else round(self.highest_rate),
            "peer_readings_per_s": None if best is None else round(best, 1),
            "ratio_to_peer": None if best is None else round(measured.readings_per_s / best, 3),
            "failures": self.failures,
            "notes": self.notes,
            "machine": self.machine | {"p256_verifications_per_core_per_s": round(self.limits.p256_per_core_per_s)},
            "config": self._config(),
        }

    def _config(self) -> dict[str, Any]:
        options, shares = self.options, self.options.shares
        return {
            "rate": options.rate,
            "batch": options.batch,
            "per_message": options.per_message,
            "seconds": options.seconds,
            "signature": options.algorithm,
            "bad": shares.bad,
            "duplicates": shares.duplicates,
            "reorder": shares.reorder,
            "workers": options.workers,
            "generators": options.generators,
            "devices": fleet.DEVICES,
            "sendings": {
                "good": self.plan.good,
                "bad": self.plan.bad,
                "duplicates": self.plan.duplicates,
                "messages": self.plan.messages,
            },
            "journal": "SQLite, write-ahead log, synchronous FULL; commit before PUBACK and acknowledgement",
            "broker": "mosquitto with persistence, QoS 1, no TLS, on 127.0.0.1",
            "peer": {
                "readings_per_s": None
                if self.peer.readings_per_s is None
                else {variant: round(rate, 1) for variant, rate in self.peer.readings_per_s.items()},
                "reason": self.peer.reason,
                "seconds": options.peer_seconds,
                "database": "InfluxDB 1 behind nginx, each write synced to its log; PUBACK after the write",
            },
            "scale": round(self.scale, 4),
            "required_rate": self.required_rate,
            "units": UNITS,
        }

    def to_table(self) -> Table:
        """The same for people."""
        measured, limits = self.run.measured, self.limits
        table = Table("figure", "", box=None, header_style="bold")
        table.columns[1].justify = "right"
        rows: list[tuple[str, str]] = [
            ("offered, good readings/s", f"{measured.offered_per_s:,.0f}"),
            ("answered, readings/s", f"{measured.readings_per_s:,.0f}"),
            ("latency p50 / p99, ms", f"{_shown(measured.p50_ms)} / {_shown(measured.p99_ms)}"),
            ("lost / doubled, readings", f"{self.findings.lost} / {self.findings.doubled}"),
            ("refused / bad, envelopes", f"{measured.refused} / {self.plan.bad}"),
            ("duplicates / sent twice, envelopes", f"{self.run.duplicates} / {self.plan.duplicates}"),
            ("generator late p99, ms", f"{measured.late_ms_p99:.1f}"),
            ("processor, s", ", ".join(f"{role} {spent:.1f}" for role, spent in self.run.cpu_s.items())),
            ("limit: verification on two cores, envelopes/s", f"{limits.verify_per_s:,.0f}"),
            ("limit: commit, readings/s", f"{limits.commit_readings_per_s:,.0f}"),
            ("ratio to the smaller limit", f"{measured.readings_per_s / self.limit_readings_per_s:.2f}"),
            ("P-256 verifications a core and second", f"{limits.p256_per_core_per_s:,.0f}"),
            ("scale of this machine / required rate", f"{self.scale:.3f} / {_shown(self.required_rate)}"),
            ("highest rate with p99 of 50 ms, readings/s", _shown(self.highest_rate)),
            ("peer, readings/s", _shown(self.peer.best) if self.peer.best else f"none: {self.peer.reason}"),
            ("ratio to peer", f"{measured.readings_per_s / self.peer.best:.1f}" if self.peer.best else "-"),
        ]
        for row in rows:
            table.add_row(*row)
        return table


def _rounded(number: float | None) -> float | None:
    return None if number is None else round(number, 3)


def _shown(number: float | None) -> str:
    if number is None:
        return "-"
    return f"{number:,.0f}" if number >= 1000 else f"{number:.1f}"
