"""Fuzzed payloads as a script for a load generator of `api.bench`: packets that lie ready, each with its time."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from api.bench import packets
from api.bench.generator import Script
from tests.load.fuzz_site import FUZZER
from tests.load.fuzzed_payloads import FuzzedPayloads


@dataclass(frozen=True)
class FuzzScript:
    """What the fuzzer sends."""

    script: Script
    messages: int
    signed: int
    """Messages of which all is validly signed."""
    seconds: float


def write_fuzz_script(folder: Path, payloads: FuzzedPayloads, count: int, per_s: float) -> FuzzScript:
    """Write the first `count` payloads, to be sent evenly at a rate [messages/s]."""
    folder.mkdir(parents=True)
    script = Script(folder / "fuzz.packets", folder / "fuzz.times.npz", folder / f"fuzz-{FUZZER}.samples.npz")
    starts, signed = [0], 0
    with script.packets.open("wb") as file:
        for number, message in enumerate(payloads.take(count)):
            starts.append(starts[-1] + file.write(packets.publish(message.topic, number, message.payload)))
            signed += message.signed
    due_ns = np.rint(np.arange(count) * (1e9 / per_s)).astype(np.int64)
    np.savez(script.times, starts=np.array(starts), due_ns=due_ns)
    return FuzzScript(script, count, signed, count / per_s)


def answered(script: Script) -> tuple[int, int]:
    """(messages that left, messages that the broker took)."""
    with np.load(script.samples) as samples:
        return len(samples["sent_ns"]), int(samples["pubacks"])
