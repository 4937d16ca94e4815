"""The corpus over several seeds, fault by fault."""

import multiprocessing
import signal
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from api.bench.metering.case_score import CaseScore, score_case
from api.bench.metering.corpus.base import recorded
from api.bench.metering.corpus.cases import Case, fault_cases, sound_cases
from api.bench.metering.corpus.catalogue import BY_NAME, FAULTS
from api.bench.metering.corpus.truth import Series
from api.bench.metering.publish import publish
from api.bench.metering.settling import verdicts
from devices import recordings
from oracle.errors import ConfigError

Progress = Callable[[str, float], None]
"""Told what is being done and how much of it is done, 0 to 1."""
_SMA_UTC_OFFSET_MINUTES = 120


@dataclass(frozen=True)
class MeteringOptions:
    """What was asked for."""

    seed: int = 1
    """First seed."""
    seeds: int = 1
    """How many seeds, one after the other."""
    faults: tuple[str, ...] = ()
    """Names of faults; none for all, and then sound series too."""
    data: Path | None = None
    """Folder with recordings (`sma/*.csv`) to put faults on as well."""
    workers: int = 1
    """Processes."""
    write: Path | None = None
    """Folder to write the cases to."""

    def to_json(self) -> dict[str, object]:
        """What the figures depend on."""
        return {
            "seed": self.seed,
            "seeds": self.seeds,
            "faults": list(self.faults),
            "recordings": self.data is not None,
        }


def bench_metering(options: MeteringOptions, on_progress: Progress = lambda *_: None) -> list[CaseScore]:
    """Settle every case of every seed, sound series first.

    Raises:
        ConfigError: a fault is not in the corpus, a recording cannot be used, or the folder to write to is not empty.

    """
    unknown = [name for name in options.faults if name not in BY_NAME]
    if unknown:
        raise ConfigError(f"{unknown[0]!r} is no fault of the corpus: {', '.join(BY_NAME)}")
    if options.seeds < 1 or options.workers < 1 or options.seed < 0:
        raise ConfigError("--seeds and --workers are at least 1, --seed at least 0")
    series = [] if options.data is None else recorded_series(options.data)
    seeds = range(options.seed, options.seed + options.seeds)
    if options.write is not None:
        if options.write.is_dir() and any(options.write.iterdir()):
            raise ConfigError(f"--write {options.write}: the folder is not empty")
        on_progress("writing the corpus", 0.0)
        for seed in seeds:
            for case, _ in cases_of(seed, options.faults, series):
                publish(case, options.write)
    scores: list[CaseScore] = []
    one = partial(score_seed, faults=options.faults, recordings_=series)
    for done, of_seed in enumerate(_each(one, seeds, options.workers)):
        on_progress("settling the corpus", done / options.seeds)
        scores += of_seed
    return scores


def _each(one: Callable[[int], list[CaseScore]], seeds: Sequence[int], workers: int) -> Iterator[list[CaseScore]]:
    if workers == 1:
        yield from map(one, seeds)
        return
    context = multiprocessing.get_context("spawn")
    pool = ProcessPoolExecutor(
        workers, context, signal.signal, (signal.SIGINT, signal.SIG_IGN)
    )  # Ctrl-C is ours to answer
    try:
        yield from pool.map(one, seeds)
    except BaseException:
        for child in multiprocessing.active_children():
            child.terminate()
        raise
    finally:
        pool.shutdown(cancel_futures=True)


def score_seed(seed: int, faults: Sequence[str], recordings_: Sequence[Series]) -> list[CaseScore]:
    """Score all cases of one seed."""
    return [
        score_case(case, verdicts, keeps_energy=keeps_energy)
        for case, keeps_energy in cases_of(seed, faults, recordings_)
    ]


def cases_of(seed: int, faults: Sequence[str], recordings_: Sequence[Series]) -> Iterator[tuple[Case, bool]]:
    """Cases of one seed, and whether the register tells all energy in the end: sound ones, unless faults are named."""
    if not faults:
        yield from ((case, True) for case in sound_cases(seed, recordings_))
    for fault in FAULTS:
        if not faults or fault.name in faults:
            yield from ((case, fault.keeps_energy) for case in fault_cases(fault, seed, recordings_))


def recorded_series(folder: Path) -> list[Series]:
    """Read the recordings that are known to be clean.

    Raises:
        ConfigError: there is none, or one cannot be used.

    """
    paths = sorted((folder / "sma").glob("*.csv"))
    if not paths:
        raise ConfigError(f"--data {folder}: holds no sma/*.csv")
    found = []
    for path in paths:
        try:
            recording = recordings.read(path, _SMA_UTC_OFFSET_MINUTES)
            for meter_id, meter in recording.meters.items():
                if meter.nameplate_w is None:
                    raise ConfigError(f"{path}: {meter_id} names no nameplate")
                note = f"recorded {meter_id}"
                found.append(recorded(meter.readings, meter_id, meter.nameplate_w, _SMA_UTC_OFFSET_MINUTES, note))
        except ValueError as error:
            raise ConfigError(f"{path}: {error}") from error
    return found
