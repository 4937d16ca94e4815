"""An asset's evidence for a stretch of time, in one file: what was booked in each interval, and the proof that it follows.

    heliograph-period/1 = {"format", "period": {asset_id, from_ms, until_ms, booked: [...]}, "proof": heliograph-proof/1}

One ledger interval is the proof of an hour; a month or a year is an auditor's bundle. `booked` names every account of every
counting meter whose interval starts in [from_ms, until_ms). It is computed anew from the envelopes, and compared.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from oracle.attestation.proof import Anchor, Proof, proof_document, proof_from_document
from oracle.attestation.verification import Examined, OnStep, Step, examine_proof
from oracle.errors import ProofError
from oracle.metering.ledger import AccountKey, accounts
from oracle.metering.settlement import Standing
from oracle.reporting.asset_settlement import AssetSettlement
from oracle.reporting.document import canonical_bytes, from_document, parse_canonical, to_document

PERIOD_FORMAT = "heliograph-period/1"


@dataclass(frozen=True)
class Booked:
    """What one account holds."""

    meter_id: str
    start_ms: int
    """Start of the interval [ms UTC]."""
    standing: str
    """`attested`, `withheld` or `disputed`."""
    reason: str
    """Reason code; empty where attested."""
    energy_wh: int


@dataclass(frozen=True)
class Period:
    """An asset's accounts of whole ledger intervals."""

    asset_id: str
    from_ms: int
    """Start of the first interval [ms UTC]."""
    until_ms: int
    """End of the last interval [ms UTC], exclusive."""
    booked: tuple[Booked, ...]
    """By meter, interval, standing (attested, withheld, disputed) and reason; an account without energy is left out."""


@dataclass(frozen=True)
class ProvenPeriod:
    """A period with the proof that it follows from."""

    period: Period
    proof: Proof


def encode_period(proven: ProvenPeriod) -> bytes:
    """Write a period as canonical JSON."""
    return canonical_bytes(
        {"format": PERIOD_FORMAT, "period": to_document(proven.period), "proof": proof_document(proven.proof)}
    )


def decode_period(raw: bytes) -> ProvenPeriod:
    """Read a period.

    Raises:
        ProofError: it is not canonical, not a period, or a member is not in its one form.

    """
    document = parse_canonical(raw)
    if not isinstance(document, dict) or document.get("format") != PERIOD_FORMAT:
        raise ProofError("document", f"is not a {PERIOD_FORMAT}")
    if sorted(document) != ["format", "period", "proof"]:
        raise ProofError("document", "has other members than format, period and proof")
    return ProvenPeriod(from_document(Period, document["period"], "period"), proof_from_document(document["proof"]))


def booked_accounts(settlement: AssetSettlement, interval_ms: int) -> dict[AccountKey, int]:
    """Sum an asset's settlement into the accounts of its counting meters [Wh]."""
    return {key: wh for one in settlement.meters.values() for key, wh in accounts(one, interval_ms).items()}


def period_of(settlement: AssetSettlement, interval_ms: int, from_ms: int, until_ms: int) -> Period:
    """Return what an asset's settlement books in the intervals of a period.

    Raises:
        ProofError: the period does not consist of whole intervals.

    """
    if from_ms % interval_ms or until_ms % interval_ms or not 0 <= from_ms < until_ms:
        raise ProofError("period", f"does not consist of whole intervals of {interval_ms} ms, counted from 1970")
    booked = booked_accounts(settlement, interval_ms)
    within = sorted((key, wh) for key, wh in booked.items() if from_ms <= key.start_ms < until_ms)
    return Period(settlement.asset_id, from_ms, until_ms, tuple(_booked(key, wh) for key, wh in within))


def examine_period(proven: ProvenPeriod, anchor: Anchor | None, on_step: OnStep = lambda _: None) -> Examined:
    """Check the proof of a period, and that it books what the period says.

    Raises:
        ProofError: a step of the proof does not hold, or `period`: something else is booked.

    """
    examined = examine_proof(proven.proof, anchor, on_step)
    stated = proven.period
    if stated.asset_id != proven.proof.body.registry.asset.asset_id:
        raise ProofError("period", "is of another asset than its proof")
    found = period_of(examined.settlement, proven.proof.rules.ledger_interval_ms, stated.from_ms, stated.until_ms)
    if found != stated:
        odd = next(iter(set(found.booked) ^ set(stated.booked)), "their order")
        raise ProofError("period", f"the envelopes do not book what is stated: {odd}")
    on_step(Step("period", f"the envelopes book {total_wh(stated.booked, 'attested')} Wh as attested, as stated"))
    return examined


def total_wh(booked: Iterable[Booked], standing: str) -> int:
    """Sum accounts of one standing [Wh]."""
    return sum(one.energy_wh for one in booked if one.standing == standing)


def _booked(key: AccountKey, energy_wh: int) -> Booked:
    return Booked(key.meter_id, key.start_ms, Standing(key.standing).name.lower(), str(key.reason), energy_wh)
