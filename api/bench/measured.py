"""What one run under load came to: samples of all generators together. Reads files, decides nothing by the clock."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from api.bench import fleet
from api.bench.answers import UNANSWERED, Answers, latencies_ms, percentile
from api.bench.generator import Script
from api.bench.plan import Plan
from api.bench.pool import Pool
from devices.device_key import PublicKey

LATE_MS = 20.0
"""A message sent later than this after its time was not sent in time."""
LATE_SHARE = 0.01
"""More late messages than this, and the generator fell behind."""
ANSWER_S = 0.05
"""Time that the last answers may take without counting as time in which readings were taken in [s]."""


@dataclass(frozen=True)
class Measured:
    """One run under load, as its generators saw it."""

    offered_per_s: float
    readings_per_s: float
    p50_ms: float | None
    p99_ms: float | None
    late_ms_p99: float
    acked_envelopes: int
    """Good envelopes answered, each once."""
    refused: int
    """Bad envelopes answered with `bad_signature`, each once."""
    failures: tuple[str, ...]
    """In words; empty if the run counts."""


def measure(  # noqa: PLR0913 - keyword-only
    plan: Plan, scripts: Sequence[Script], *, start_ns: int, key: PublicKey, batch: int, bad: Pool
) -> Measured:
    """Work out what the generators' samples say."""
    failures: list[str] = []
    latencies, late_ms, acked = [], [], np.zeros(plan.good, dtype=np.bool_)
    rejected: dict[bytes, str] = {}
    unanswered = unsent = last_ns = 0
    for generator, script in enumerate(scripts):
        with np.load(script.samples) as samples:
            sent_ns, due_ns = samples["sent_ns"], samples["due_ns"]
            answers = _answers(samples, generator, key, batch)
            if int(samples["pubacks"]) < len(sent_ns):
                failures.append(f"the broker took {int(samples['pubacks'])} of {len(sent_ns)} messages")
        unsent += len(due_ns) - len(sent_ns)
        late_ms.append((sent_ns - due_ns[: len(sent_ns)]) / 1e6)
        sendings, message = _sendings(plan, generator, len(scripts), len(sent_ns))
        answered_ns = answers.answered_ns(sendings, sent_ns[message])
        latencies.append(latencies_ms(due_ns[message], answered_ns))
        acked[sendings[answered_ns != UNANSWERED]] = True
        unanswered += int((answered_ns == UNANSWERED).sum())
        last_ns = max(last_ns, *answers.arrivals_ns) if answers.arrivals_ns else last_ns
        rejected |= answers.rejected
        failures += sorted(set(answers.faults))
    late, latency = np.concatenate(late_ms), np.concatenate(latencies)
    failures += _fell_behind(late, unsent)
    if unanswered:
        failures.append(f"{unanswered} sendings of good envelopes were never answered")
    expected = {hashlib.sha256(bad.wire(number)).digest() for number in range(plan.bad)}
    refused = sum(rejected.get(item) == "bad_signature" for item in expected)
    if refused < len(expected):
        failures.append(f"{len(expected) - refused} bad envelopes were not refused as bad_signature")
    if extra := rejected.keys() - expected:
        reasons = sorted({rejected[item] for item in extra})
        failures.append(f"{len(extra)} items were refused that were not bad: {', '.join(reasons)}")
    span_s = max(plan.seconds, (last_ns - start_ns) / 1e9 - ANSWER_S)
    return Measured(
        offered_per_s=plan.good * batch / plan.seconds,
        readings_per_s=int(acked.sum()) * batch / span_s,
        p50_ms=percentile(latency, 50),
        p99_ms=percentile(latency, 99),
        late_ms_p99=percentile(late, 99) or 0.0,
        acked_envelopes=int(acked.sum()),
        refused=refused,
        failures=tuple(failures),
    )


def _answers(samples: "np.lib.npyio.NpzFile", generator: int, key: PublicKey, batch: int) -> Answers:
    answers = Answers()
    payloads = samples["payloads"].tobytes()
    at = 0
    for length, arrived_ns in zip(samples["lengths"].tolist(), samples["arrivals_ns"].tolist(), strict=True):
        payload = payloads[at : at + length]
        answers.take(payload, arrived_ns, gateway=fleet.gateway_name(generator), key=key, batch=batch)
        at += length
    return answers


def _sendings(
    plan: Plan, generator: int, generators: int, messages: int
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """(good envelope, message of this generator) of each sending among its first `messages` messages."""
    message = np.arange(len(plan.envelopes)) // plan.per_message
    mine = (message % generators == generator) & (message // generators < messages) & (plan.envelopes >= 0)
    return plan.envelopes[mine], message[mine] // generators


def _fell_behind(late_ms: NDArray[np.float64], unsent: int) -> list[str]:
    """Say whether the generators kept to their schedule; without that no figure counts."""
    failures = []
    share = float((late_ms > LATE_MS).mean()) if len(late_ms) else 1.0
    if share > LATE_SHARE:
        failures.append(
            f"the generator fell behind: {share:.1%} of the messages left more than {LATE_MS:g} ms late "
            f"(the last one {late_ms[-1] if len(late_ms) else 0:.0f} ms)"
        )
    if unsent:
        failures.append(f"the generator fell behind: {unsent} messages never left")
    return failures
