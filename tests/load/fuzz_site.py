"""What fuzzing is done to, and what is watched meanwhile: registry, reasons, and the memory of the node's workers."""

import threading
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

from api.bench import fleet
from devices.rejection import Reason
from oracle.headend.admission import AdmissionReason
from oracle.reporting.registry import Objection, RegistrySnapshot
from tests.load.faulty_devices import FaultyDevice
from tests.support.listed_devices import registry_of

GOOD_GENERATOR, FUZZER = 0, 1
"""Generators of `api.bench`, each a connection of its own that plays one gateway."""
GATEWAY = fleet.gateway_name(FUZZER)
REASONS = {*Reason, *Objection, *AdmissionReason} - {AdmissionReason.UNPROCESSABLE}
"""All that a message can be refused for. `unprocessable` says that the program is at fault: nothing may ever cause it."""
SAMPLE_S = 0.25


def fuzz_registry(faulty: Iterable[FaultyDevice], good: RegistrySnapshot | None = None) -> RegistrySnapshot:
    """The registry that lists the faulty devices, and the good ones of another."""
    registry = registry_of(list(faulty))
    if good is None:
        return registry
    return replace(
        registry,
        projects={**registry.projects, **good.projects},
        assets={**registry.assets, **good.assets},
        meters={**registry.meters, **good.meters},
    )


@dataclass
class Watched:
    """What was seen of processes over time."""

    pids: set[tuple[int, ...]] = field(default_factory=set)
    """Each different set of processes that was there at one time."""
    resident: list[tuple[int, dict[int, int]]] = field(default_factory=list)
    """(instant of the monotonic clock [ns], resident memory [bytes] by process)."""

    def grown_bytes(self, since_ns: int) -> int:
        """By how much the memory of the process that grew most is larger at the end than at an instant."""
        (_, before), *_ = [each for each in self.resident if each[0] >= since_ns]
        _, after = self.resident[-1]
        return max(after[pid] - before[pid] for pid in after)

    def peak_bytes(self) -> int:
        """The most that one process ever held."""
        return max(max(sizes.values()) for _, sizes in self.resident)


@contextmanager
def watched(pids: Callable[[], list[int]]) -> Iterator[Watched]:
    """Look at processes again and again until the end of the block."""
    seen, ended = Watched(), threading.Event()

    def look() -> None:
        while True:
            last = ended.wait(SAMPLE_S)
            now = pids()
            seen.pids.add(tuple(now))
            seen.resident.append((time.monotonic_ns(), {pid: resident_bytes(pid) for pid in now}))
            if last:
                return

    watcher = threading.Thread(target=look, name="watcher")
    watcher.start()
    try:
        yield seen
    finally:
        ended.set()
        watcher.join()


def resident_bytes(pid: int) -> int:
    """Memory that a process holds at the moment; 0 of one that is gone."""
    try:
        status = Path(f"/proc/{pid}/status").read_text(encoding="ascii")
    except OSError:
        return 0
    (kilobytes,) = [line.split()[1] for line in status.splitlines() if line.startswith("VmRSS:")] or ["0"]
    return int(kilobytes) * 1024
