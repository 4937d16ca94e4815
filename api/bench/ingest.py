"""The whole of `heliograph bench ingest`: inputs, limits, the run, the search, the peer; one set of figures."""

import shutil
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from api.bench import fleet, signing
from api.bench.journal_check import JournalFindings, check_journal
from api.bench.limits import Limits, mean, measure_limits
from api.bench.load_run import Load, LoadRun, run_load
from api.bench.machine import machine
from api.bench.options import IngestOptions
from api.bench.peer_load import PeerFigures, PeerLoad, measure_peer
from api.bench.plan import Plan, draw
from api.bench.pool import Pool
from api.bench.report import Figures
from api.bench.search import RateSearch

SEED = 20260701
HELD_P99_MS = 50.0
SEARCH_S = 5.0
SEARCH_REACH = 2.0
"""The inputs last for a search up to this many times the rate asked for, at least."""
MARGIN_MS = 3_600_000
"""The last reading is dated this long before the run [ms]."""

Progress = Callable[[str, float], None]
"""(what is being done, share of it that is done)."""


@dataclass(frozen=True)
class _Inputs:
    good: Pool
    bad: Pool
    start_ms: int


def bench_ingest(options: IngestOptions, folder: Path, on_progress: Progress) -> Figures:
    """Run everything that the options ask for.

    Args:
        options: what to run.
        folder: an empty folder for inputs, journals and servers.
        on_progress: told what is going on.

    Raises:
        ServerError: mosquitto is missing or does not start.
        RunError, ChildError: a part of the run failed.

    """
    here = machine()  # without mosquitto there is nothing to sign for
    inputs = _sign(options, folder, on_progress)
    on_progress("measuring the limits", 0.0)
    before = measure_limits(inputs.good, folder, options.batch)
    plan = _plan(options, options.rate, options.seconds, SEED)
    run = _offer(options, inputs, plan, folder / "run", partial(on_progress, "offering the load"))
    on_progress("measuring the limits again", 0.0)
    limits = mean(before, measure_limits(inputs.good, folder, options.batch))
    on_progress("checking the journal", 0.0)
    findings = check_journal(run.journal, inputs.good, plan.good, options.batch)
    highest = _search(options, inputs, limits, (run, findings), folder, on_progress) if options.search else None
    peer = PeerFigures(None, "not asked for")
    if options.peer_seconds > 0:
        on_progress("measuring the peer", 0.0)
        load = PeerLoad(options.batch, options.per_message, inputs.start_ms)
        peer = measure_peer(folder / "peer", load, options.peer_seconds)
    return Figures(options, here, limits, plan, run, findings, highest, peer)


def _sign(options: IngestOptions, folder: Path, on_progress: Progress) -> _Inputs:
    good = options.good_envelopes(options.rate, options.seconds)
    if options.search:
        good = max(good, options.good_envelopes(options.rate * SEARCH_REACH, SEARCH_S))
    span_ms = (good // fleet.DEVICES + 1) * options.batch * fleet.READ_EVERY_MS
    start_ms = time.time_ns() // 1_000_000 - MARGIN_MS - span_ms
    job = signing.SigningJob(
        folder=folder,
        algorithm=options.algorithm,
        batch=options.batch,
        start_ms=start_ms,
        good=good,
        bad=round(good * options.shares.bad),
        shards=signing.shards(),
    )
    pools = signing.sign_pools(job, lambda done, total: on_progress("signing the inputs", done / total))
    return _Inputs(*pools, start_ms)


def _plan(options: IngestOptions, rate: float, seconds: float, seed: int) -> Plan:
    return draw(
        options.good_envelopes(rate, seconds),
        options.shares,
        devices=fleet.DEVICES,
        per_message=options.per_message,
        seconds=seconds,
        seed=seed,
    )


def _offer(
    options: IngestOptions, inputs: _Inputs, plan: Plan, folder: Path, on_progress: Callable[[float], None]
) -> LoadRun:
    load = Load(
        folder=folder,
        plan=plan,
        good=inputs.good,
        bad=inputs.bad,
        batch=options.batch,
        algorithm=options.algorithm,
        start_ms=inputs.start_ms,
        workers=options.workers,
        generators=options.generators,
    )
    return run_load(load, on_progress)


def _search(  # noqa: PLR0913, PLR0917 - what one run has come to so far
    options: IngestOptions,
    inputs: _Inputs,
    limits: Limits,
    first: tuple[LoadRun, JournalFindings],
    folder: Path,
    on_progress: Progress,
) -> float | None:
    """Highest rate [readings/s] held with p99 within HELD_P99_MS; the run asked for counts as the first try."""
    most = min(
        limits.verify_per_s * options.batch, limits.commit_readings_per_s, len(inputs.good) * options.batch / SEARCH_S
    )
    search = RateSearch(float(options.rate), most)
    run, findings = first
    search.tell(float(options.rate), held=_held(run) and not findings.failures)
    while (rate := search.next_rate()) is not None:
        place = folder / f"search-{search.tried}"
        plan = _plan(options, rate, SEARCH_S, SEED + search.tried)
        tried = _offer(options, inputs, plan, place, partial(on_progress, f"trying {rate:,.0f} readings/s"))
        search.tell(rate, held=_held(tried))
        if options.keep is None:
            shutil.rmtree(place)
    return search.held


def _held(run: LoadRun) -> bool:
    p99_ms = run.measured.p99_ms
    return not run.measured.failures and p99_ms is not None and p99_ms <= HELD_P99_MS
