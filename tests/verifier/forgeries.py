"""Whole forgeries: a lie, and everything that hangs on it computed and signed again.

Each is told by what it lies about. `own` forgeries are signed by the proof's own quorum: only what is recomputed from the devices'
signatures can find them. The others are signed by strangers: only the anchor can.
"""

import json
import random
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from contracts.state import ListedMeter, MeterRole
from devices.device_key import SigningKey
from devices.telemetry import Envelope, Reading, Readings, decode, encode
from oracle.attestation.proof import Proof, ProofBody, decode_envelope, encode_envelope
from oracle.reporting.document import canonical_bytes
from oracle.reporting.statement import Counter
from tests.verifier.proofs import NETWORK, GoodProof, Signers, signed_again

Lie = Callable[[random.Random, GoodProof], Proof]


def by_strangers(rng: random.Random, good: GoodProof) -> Proof:
    """The very same figures, signed by others for the same contract."""
    strangers = tuple(rng.randbytes(32) for _ in good.signers.secrets)
    return signed_again(good.proof, Signers(strangers, good.signers.domain))


def for_another_chain(rng: random.Random, good: GoodProof) -> Proof:
    """The very same figures, signed by the same nodes for another chain."""
    domain = replace(good.signers.domain, chain_id=good.signers.domain.chain_id + rng.randint(1, 9))
    return signed_again(good.proof, Signers(good.signers.secrets, domain))


def of_a_later_configuration(_: random.Random, good: GoodProof) -> Proof:
    """Signed by fewer than the trusted quorum: the set names another threshold."""
    fewer = SignersOfOne(good.signers.secrets, good.signers.domain)
    return signed_again(good.proof, fewer)


class SignersOfOne(Signers):
    """The same nodes, of which one is enough."""

    @property
    def signer_set(self):
        return replace(super().signer_set, threshold=1, config_count=2)


def _own(good: GoodProof, body: ProofBody, **parts) -> Proof:
    return signed_again(replace(good.proof, body=body, **parts), good.signers)


def _statement(rng: random.Random, good: GoodProof, **change: Callable[[Counter], Counter]) -> Proof:
    statements = list(good.proof.body.statements)
    place = rng.randrange(len(statements))
    before = statements[place].statement
    after = replace(before, **{name: how(getattr(before, name)) for name, how in change.items()})
    statements[place] = replace(statements[place], statement=after)
    return _own(good, replace(good.proof.body, statements=tuple(statements)))


def more_energy(rng: random.Random, good: GoodProof) -> Proof:
    return _statement(rng, good, energy_wh=lambda c: Counter(c.issued + rng.choice((1, 1000, 2**100)), c.reversed))


def more_credits(rng: random.Random, good: GoodProof) -> Proof:
    return _statement(rng, good, credits_g=lambda c: Counter(c.issued + rng.randint(1, 9), c.reversed))


def more_revenue(rng: random.Random, good: GoodProof) -> Proof:
    return _statement(rng, good, revenue_minor=lambda c: Counter(c.issued + rng.randint(1, 9), c.reversed))


def reversed_what_never_was(rng: random.Random, good: GoodProof) -> Proof:
    more = rng.randint(1, 9)
    return _statement(rng, good, energy_wh=lambda c: Counter(c.issued + more, c.reversed + more))


def another_vintage(_: random.Random, good: GoodProof) -> Proof:
    statements = list(good.proof.body.statements)
    last = statements[-1].statement
    statements[-1] = replace(statements[-1], statement=replace(last, vintage=last.vintage + 1))
    return _own(good, replace(good.proof.body, statements=tuple(statements)))


def another_cutoff(rng: random.Random, good: GoodProof) -> Proof:
    """An earlier or later instant, under which the same figures are claimed."""
    body = good.proof.body
    cutoff_s = body.report.cutoff_s + rng.choice((-60, 60, 2**62))
    statements = tuple(
        replace(proven, statement=replace(proven.statement, cutoff_s=cutoff_s)) for proven in body.statements
    )
    return _own(good, replace(body, report=replace(body.report, cutoff_s=cutoff_s), statements=statements))


def _meters(good: GoodProof, change: Callable[[ListedMeter], dict[str, Any]]) -> Proof:
    body = good.proof.body
    meters = tuple(replace(one, meter=replace(one.meter, **change(one.meter))) for one in body.registry.meters)
    return _own(good, replace(body, registry=replace(body.registry, meters=meters)))


def another_key(rng: random.Random, good: GoodProof) -> Proof:
    """The registry lists keys under which the devices never signed."""
    return _meters(good, lambda _: {"thumbprint": rng.randbytes(32)})


def another_role(_: random.Random, good: GoodProof) -> Proof:
    """All meters only measure load, so that nothing was produced."""
    return _meters(good, lambda _: {"role": MeterRole.LOAD})


def another_baseline(_: random.Random, good: GoodProof) -> Proof:
    """All registers were confirmed years later, after what is claimed."""
    return _meters(good, lambda meter: {"baseline_time_ms": meter.baseline_time_ms + 2**40})


def an_impossible_limit(rng: random.Random, good: GoodProof) -> Proof:
    """A number in the registry under which no register can be settled."""
    wrong = rng.choice(({"nameplate_w": 0}, {"nameplate_w": 2**64 - 1}, {"baseline_wh": 2**64 - 1}))
    return _meters(good, lambda _: {"role": MeterRole.PLANT, **wrong})


def a_meter_left_out(_: random.Random, good: GoodProof) -> Proof:
    """No meter is shown, so that nothing says whose readings count."""
    body = good.proof.body
    return _own(good, replace(body, registry=replace(body.registry, meters=())))


def _last_settlement(good: GoodProof, change: Callable[[dict], None]) -> Proof:
    evidence = list(good.proof.body.evidence)
    settlement = json.loads(evidence[-1].settlement)
    change(settlement)
    evidence[-1] = replace(evidence[-1], settlement=canonical_bytes(settlement).decode())
    return _own(good, replace(good.proof.body, evidence=tuple(evidence)))


def another_settlement(rng: random.Random, good: GoodProof) -> Proof:
    """The last settlement says what the registers do not."""

    def lie(settlement):
        year = next(iter(settlement["energy_wh"]), "2026")
        settlement["energy_wh"][year] = settlement["energy_wh"].get(year, 0) + rng.randint(1, 10**6)

    return _last_settlement(good, lie)


def another_tally(rng: random.Random, good: GoodProof) -> Proof:
    """The last settlement hides which readings were not used."""

    def lie(settlement):
        settlement["meters"] = [
            {**one, "rejected": {"jump": rng.randint(10**6, 10**7)}} for one in settlement["meters"]
        ]
        if not settlement["meters"]:
            settlement["cutoff"] += 1

    return _last_settlement(good, lie)


def an_unreadable_settlement(rng: random.Random, good: GoodProof) -> Proof:
    """A settlement whose figures are none."""
    wrong = rng.choice((-1, "7", 0.5, None, []))
    return _last_settlement(good, lambda settlement: settlement.update(tariff_minor_per_mwh=wrong))


def _envelope(rng: random.Random, good: GoodProof, change: Callable[[Envelope], bytes]) -> Proof:
    """Another envelope in the place of one; the evidence chain is made to fit."""
    evidence = list(good.proof.body.evidence)
    place = rng.choice([i for i, link in enumerate(evidence) if link.envelopes])
    wires = [decode_envelope(text) for text in evidence[place].envelopes]
    which = rng.randrange(len(wires))
    wires[which] = change(decode(wires[which], network=NETWORK))
    wires.sort(key=lambda wire: decode(wire, network=NETWORK).digest)
    evidence[place] = replace(evidence[place], envelopes=tuple(map(encode_envelope, wires)))
    return _own(good, replace(good.proof.body, evidence=tuple(evidence)))


def a_register_raised(rng: random.Random, good: GoodProof) -> Proof:
    """One bit of a reading set, under the device's old signature."""

    def lie(envelope):
        old = envelope.readings.time_ms.astype("<i8").tobytes()
        raised = (envelope.readings.time_ms ^ (1 << rng.randrange(10))).astype("<i8").tobytes()
        return envelope.wire.replace(old, raised)

    return _envelope(rng, good, lie)


def readings_of_a_stranger(rng: random.Random, good: GoodProof) -> Proof:
    """All envelopes signed again by a key that the registry does not list, with registers of the forger's choice."""
    evidence = []
    for link in good.proof.body.evidence:
        wires = []
        for text in link.envelopes:
            envelope = decode(decode_envelope(text), network=NETWORK)
            rows = [Reading(row.time_ms, (row.export_wh or 0) + 5) for row in envelope.readings]
            key = SigningKey.from_seed(rng.choice(("es256", "eddsa")), rng.randbytes(32))
            wires.append(
                encode(
                    Readings.of(rows), device=envelope.device, meter=envelope.meter, boot=envelope.boot,
                    first_sequence=envelope.first_sequence, previous=envelope.previous, key=key, network=NETWORK,
                )
            )  # fmt: skip
        wires.sort(key=lambda envelope: envelope.digest)
        evidence.append(replace(link, envelopes=tuple(encode_envelope(one.wire) for one in wires)))
    return _own(good, replace(good.proof.body, evidence=tuple(evidence)))


def no_envelopes(_: random.Random, good: GoodProof) -> Proof:
    evidence = tuple(replace(link, envelopes=()) for link in good.proof.body.evidence)
    return _own(good, replace(good.proof.body, evidence=evidence))


def a_factor_of_no_one(_: random.Random, good: GoodProof) -> Proof:
    """Rules that have no terms for the asset."""
    return _own(good, good.proof.body, rules=replace(good.proof.rules, terms={}))


def another_overload(_: random.Random, good: GoodProof) -> Proof:
    """Rules under which hardly anything is possible: settlement refuses them."""
    return _own(good, good.proof.body, rules=replace(good.proof.rules, rated_overload_ppm=0, limits={}))


FORGERIES: tuple[Lie, ...] = (
    by_strangers,
    for_another_chain,
    of_a_later_configuration,
    more_energy,
    more_credits,
    more_revenue,
    reversed_what_never_was,
    another_vintage,
    another_cutoff,
    another_key,
    another_role,
    another_baseline,
    an_impossible_limit,
    a_meter_left_out,
    another_settlement,
    another_tally,
    an_unreadable_settlement,
    a_register_raised,
    readings_of_a_stranger,
    no_envelopes,
    a_factor_of_no_one,
    another_overload,
)
