"""One run: a node under fuzzed payloads, with good devices that send on a schedule beside them."""

import time
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path

from api.bench import fleet, signing
from api.bench.children import spawned
from api.bench.generator import LAST_S, generate, write_script
from api.bench.machine import busy_seconds, cpu_seconds
from api.bench.measured import Measured, measure
from api.bench.options import Shares
from api.bench.plan import draw
from api.bench.pool import Pool
from api.bench.servers import mosquitto
from devices.device_key import SigningKey
from devices.gateway import Gateway
from devices.outbox import Outbox
from devices.telemetry import decode
from oracle.headend.receiver import Tally
from oracle.headend.workers import HeadEndWorkers
from oracle.journal.journal import Journal
from oracle.node import system_clock_ms
from tests.load.faulty_devices import FaultyDevice
from tests.load.fuzz_script import FuzzScript, write_fuzz_script
from tests.load.fuzz_site import FUZZER, GATEWAY, GOOD_GENERATOR, Watched, fuzz_registry, watched
from tests.load.fuzzed_payloads import FuzzedPayloads

FUZZ_PER_S = 1000.0
"""Messages a second."""
GOOD_READINGS_PER_S = 50_000
BATCH = 100
WORKERS = 2
LEAD_S = 2.0
"""The good devices begin before the fuzz and go on after it for so long."""
HEAD_START_S = 0.5
WARM_UP = 0.1
"""Share of the fuzz after which the workers' memory is expected to have reached its size."""
MARGIN_MS = 3_600_000
CONNECT_S, ANSWER_S, DRAIN_S = 20.0, 60.0, 60.0
NODE_KEY = SigningKey.from_seed("eddsa", bytes([7]) * 32)


@dataclass(frozen=True)
class FuzzRun:
    """What a run came to."""

    fuzz: FuzzScript
    faulty: list[FaultyDevice]
    good: Measured
    envelopes: int
    """Good envelopes sent."""
    pool: Pool
    """The good envelopes."""
    tally: Tally
    fault: str | None
    seen: Watched
    warm_ns: int
    """When the fuzz had warmed the node up (monotonic clock)."""
    journal: Path
    cutoff_ms: int
    """Up to where readings are settled: when the run was over [ms UTC]."""
    cpu_s: dict[str, float]
    """Processor seconds during the run by role; `others` is all else on the machine, the kernel's own included."""
    healthy: bool
    """Whether one more good envelope was acknowledged in the end."""


def run_fuzz(folder: Path, count: int, seed: int) -> FuzzRun:
    """Send `count` fuzzed payloads at a fresh node, and good readings beside them.

    Raises:
        ServerError: mosquitto is missing or does not start.
        ChildError: a generator failed.

    """
    fuzz_s = count / FUZZ_PER_S
    seconds = fuzz_s + 2 * LEAD_S
    good = round(seconds * GOOD_READINGS_PER_S / BATCH)
    span_ms = max(2000 * count, (good // fleet.DEVICES + 1) * BATCH * fleet.READ_EVERY_MS)
    start_ms = time.time_ns() // 1_000_000 - MARGIN_MS - span_ms
    payloads = FuzzedPayloads(seed, fleet.NETWORK, GATEWAY, start_ms)
    fuzz = write_fuzz_script(folder / "fuzz", payloads, count, FUZZ_PER_S)
    inputs = folder / "good"
    inputs.mkdir()
    job = signing.SigningJob(inputs, "es256", BATCH, start_ms, good=good, bad=0, shards=signing.shards())
    pool, none_bad = signing.sign_pools(job, lambda *_: None)
    plan = draw(good, Shares(), devices=fleet.DEVICES, per_message=1, seconds=seconds, seed=seed)
    script = write_script(inputs, plan, pool, none_bad, GOOD_GENERATOR, 1)
    journal = folder / "journal.sqlite"
    Journal.open(journal, fleet.NETWORK).close()
    with mosquitto(folder / "mosquitto") as broker, spawned() as generators:
        workers = HeadEndWorkers(
            node=fleet.NODE, network=fleet.NETWORK, journal=journal, broker_url=f"mqtt://127.0.0.1:{broker.port}",
            ack_key=NODE_KEY, registry=fuzz_registry(payloads.devices, fleet.registry("es256", start_ms)),
            clock_ms=system_clock_ms, workers=WORKERS,
        )  # fmt: skip
        workers.start()
        try:
            assert workers.wait_connected(CONNECT_S), "the node does not reach the broker"
            pipes = [
                generators.start("good", generate, script, broker.port, GOOD_GENERATOR),
                generators.start("fuzz", generate, fuzz.script, broker.port, FUZZER),
            ]
            for pipe in pipes:
                _hear(pipe, "ready", ANSWER_S)
            with watched(lambda: workers.pids) as seen:
                roles = {"broker": broker.pid, "good": generators.pids()["good"], "fuzz": generators.pids()["fuzz"]}
                roles |= {f"worker {number}": pid for number, pid in enumerate(workers.pids)}
                before = spent_s(roles)
                start_ns = time.monotonic_ns() + int(HEAD_START_S * 1e9)
                fuzz_ns = start_ns + int(LEAD_S * 1e9)
                for pipe, at_ns in zip(pipes, (start_ns, fuzz_ns), strict=True):
                    pipe.send(at_ns)
                for pipe in pipes:
                    _hear(pipe, "done", seconds + LAST_S + ANSWER_S)
                cpu_s = {role: round(spent - before[role], 1) for role, spent in spent_s(roles).items()}
                generators.join()
                tally = _quiet(workers)
                healthy = _still_takes(folder, broker.port, payloads.devices[0])
            fault = workers.fault
        finally:
            workers.stop()
    measured = measure(plan, [script], start_ns=start_ns, key=NODE_KEY.public, batch=BATCH, bad=none_bad)
    warm_ns = fuzz_ns + int(WARM_UP * fuzz_s * 1e9)
    cutoff_ms = system_clock_ms()
    return FuzzRun(
        fuzz, payloads.devices, measured, good, pool, tally, fault, seen, warm_ns, journal, cutoff_ms, cpu_s, healthy
    )


def spent_s(roles: dict[str, int]) -> dict[str, float]:
    """Processor seconds so far by role; `others` is all else on the machine."""
    spent = {role: cpu_seconds(pid) for role, pid in roles.items()}
    return spent | {"others": busy_seconds() - sum(spent.values())}


def _hear(pipe: Connection, word: str, timeout_s: float) -> None:
    assert pipe.poll(timeout_s), f"a generator does not say {word!r}"
    assert pipe.recv() == word


def _quiet(workers: HeadEndWorkers) -> Tally:
    """The workers' tally once it no longer changes."""
    deadline = time.monotonic() + DRAIN_S
    tally, before = workers.tally, None
    while tally != before:
        assert time.monotonic() < deadline, "the node does not come to the end of its work"
        time.sleep(1)
        tally, before = workers.tally, tally
    return tally


def _still_takes(folder: Path, port: int, device: FaultyDevice) -> bool:
    """Send one more envelope as a gateway does, and tell whether the node acknowledges it."""
    outbox = Outbox(folder / "outbox.sqlite")
    try:
        url = f"mqtt://127.0.0.1:{port}"
        with Gateway("gw-after", fleet.NETWORK, url, outbox, {fleet.NODE: NODE_KEY.public}, 1) as gateway:
            gateway.send(decode(device.sign(device.take(1)), network=fleet.NETWORK))
            return gateway.wait_until_empty(ANSWER_S)
    finally:
        outbox.close()
