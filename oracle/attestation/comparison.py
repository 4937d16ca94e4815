"""Two proofs of one asset side by side: what changed, and which change of the inputs made it so.

A settlement is a function of four inputs. Starting from the first proof's, they are replaced one after the other by the
second's, and the accounts are computed anew each time; what moves at a step is put down to that input:

    cutoff ─▶ evidence (envelopes) ─▶ registry ─▶ rules

The moves of all steps add up to the whole difference. Another order could share it out otherwise; this one is fixed.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from devices.telemetry import Envelope
from oracle.attestation.period import booked_accounts
from oracle.attestation.proof import Proof, ProofBody
from oracle.attestation.verification import Examined, listed_asset
from oracle.errors import ConfigError, ReportError
from oracle.metering.ledger import AccountKey
from oracle.metering.settlement import Standing
from oracle.reporting.asset_settlement import settle_asset
from oracle.reporting.document import to_document

CAUSES = ("cutoff", "evidence", "registry", "rules")
"""The inputs of a settlement, in the order in which they are replaced."""
Span = tuple[int, int]
"""First instant, and the one after the last [ms UTC]."""


@dataclass(frozen=True)
class Change:
    """A member that differs; None where it is not there."""

    place: str
    before: Any
    after: Any


@dataclass(frozen=True)
class Move:
    """An account that differs."""

    meter_id: str
    start_ms: int
    """Start of the interval [ms UTC]."""
    standing: str
    reason: str
    before_wh: int
    after_wh: int


@dataclass(frozen=True)
class Effect:
    """What replacing an input moved."""

    cause: str
    """One of `CAUSES`; two joined by ` and ` where the accounts cannot be computed with the first alone."""
    moves: tuple[Move, ...]


@dataclass(frozen=True)
class Shown:
    """An envelope, as people name it."""

    device: str
    meter: str
    boot: int
    first_sequence: int
    last_sequence: int
    digest: str


@dataclass(frozen=True)
class Comparison:
    """What differs between two proofs of one asset. Empty throughout where nothing does."""

    asset_id: str
    extends: bool
    """Whether the second builds on the first: its evidence begins with all of the first's."""
    report: tuple[Change, ...]
    """Epoch, cutoff and so on, and who signs."""
    registry: tuple[Change, ...]
    rules: tuple[Change, ...]
    """As far as they concern the asset."""
    added: tuple[Shown, ...]
    """Envelopes that only the second shows."""
    withdrawn: tuple[Shown, ...]
    """Envelopes that only the first shows. What was once reported never leaves an honest bundle of the same history."""
    statements: tuple[Change, ...]
    effects: tuple[Effect, ...]
    """By cause, in the order of `CAUSES`; causes that moved nothing are left out."""

    @property
    def is_same(self) -> bool:
        """Whether nothing differs."""
        parts = (self.report, self.registry, self.rules, self.added, self.withdrawn, self.statements, self.effects)
        return not any(parts)


def compare(before: tuple[Proof, Examined], after: tuple[Proof, Examined], span: Span | None = None) -> Comparison:
    """Compare two proofs that hold.

    Args:
        before: the first proof, and what its examination found.
        after: the second.
        span: compare the accounts of intervals that start in it; None for all.

    Raises:
        ReportError: they are of different assets, networks, contracts or chains.

    """
    (first, found), (second, found_after) = before, after
    one, other = first.body, second.body
    asset_id = one.registry.asset.asset_id
    if asset_id != other.registry.asset.asset_id:
        raise ReportError(f"the first is of asset {asset_id}, the second of {other.registry.asset.asset_id}")
    if (one.domain, one.network) != (other.domain, other.network):
        raise ReportError("they are of different networks, contracts or chains")
    here = {envelope.digest: envelope for envelope in found.envelopes}
    there = {envelope.digest: envelope for envelope in found_after.envelopes}
    return Comparison(
        asset_id=asset_id,
        extends=other.evidence[: len(one.evidence)] == one.evidence,
        report=_differences(_report_of(one), _report_of(other)),
        registry=_differences(_registry_of(one), _registry_of(other)),
        rules=_differences(_rules_of(first), _rules_of(second)),
        added=_shown(there, here),
        withdrawn=_shown(here, there),
        statements=_differences(_statements_of(one), _statements_of(other)),
        effects=tuple(_effects(before, after, span)),
    )


def _effects(before: tuple[Proof, Examined], after: tuple[Proof, Examined], span: Span | None) -> list[Effect]:
    (first, found), (second, found_after) = before, after
    interval_ms = first.rules.ledger_interval_ms  # the same grid for both, whatever the second's is
    steps = {cause: CAUSES[: place + 1] for place, cause in enumerate(CAUSES)}
    accounts = booked_accounts(found.settlement, interval_ms)
    effects, pending = [], ""
    for cause, replaced in steps.items():
        cutoff_s = (second if "cutoff" in replaced else first).body.report.cutoff_s
        envelopes = (found_after if "evidence" in replaced else found).envelopes
        listed = listed_asset((second if "registry" in replaced else first).body)
        rules = (second if "rules" in replaced else first).rules
        name = pending + cause
        try:
            settlement = settle_asset(listed, envelopes, rules, cutoff_s)
        except ConfigError:  # the one's registry under the other's rules: they only make sense together
            pending = f"{name} and "
            continue
        pending = ""
        changed = booked_accounts(settlement, interval_ms)
        if moves := _moves(accounts, changed, span):
            effects.append(Effect(name, moves))
        accounts = changed
    return effects


def _moves(before: Mapping[AccountKey, int], after: Mapping[AccountKey, int], span: Span | None) -> tuple[Move, ...]:
    return tuple(
        Move(
            key.meter_id,
            key.start_ms,
            Standing(key.standing).name.lower(),
            str(key.reason),
            before.get(key, 0),
            after.get(key, 0),
        )
        for key in sorted({*before, *after}, key=lambda key: (key.start_ms, key))
        if before.get(key, 0) != after.get(key, 0) and (span is None or span[0] <= key.start_ms < span[1])
    )


def _shown(envelopes: Mapping[bytes, Envelope], without: Mapping[bytes, Envelope]) -> tuple[Shown, ...]:
    chosen = [envelope for digest, envelope in envelopes.items() if digest not in without]
    chosen.sort(key=lambda one: (one.device, one.meter, one.boot, one.first_sequence, one.digest))
    return tuple(
        Shown(one.device, one.meter, one.boot, one.first_sequence, one.last_sequence, one.digest.hex())
        for one in chosen
    )


def _report_of(body: ProofBody) -> dict[str, Any]:
    report: dict[str, Any] = to_document(body.report)
    chosen = ("epoch", "cutoff_s", "registry_block", "config_digest", "rules_digest", "registry_hash")
    return {**{name: report[name] for name in chosen}, "signer_set": to_document(body.signer_set)}


def _registry_of(body: ProofBody) -> dict[str, Any]:
    return {
        "asset": to_document(body.registry.asset),
        "project": to_document(body.registry.project),
        "meters": {
            f"{proven.meter.device_id}/{proven.meter.meter_id}": to_document(proven.meter)
            for proven in body.registry.meters
        },
    }


def _rules_of(proof: Proof) -> dict[str, Any]:
    """Return the rules as far as they concern the asset and its meters."""
    asset_id = proof.body.registry.asset.asset_id
    meters = {proven.meter.meter_id for proven in proof.body.registry.meters}
    document = _keyed(proof.rules.document())
    for member in ("terms", "ceilings"):
        document[member] = {name: one for name, one in document[member].items() if name == asset_id}
    document["limits"] = {name: one for name, one in document["limits"].items() if name in meters}
    return dict(document)


def _keyed(document: Any) -> Any:  # noqa: ANN401  JSON has no narrower type
    """Turn lists of named things into objects by name, so that what is compared is what belongs together."""
    if isinstance(document, dict):
        return {name: _keyed(member) for name, member in document.items()}
    if isinstance(document, list):
        for name in ("asset_id", "meter_id"):
            if all(isinstance(member, dict) and name in member for member in document):
                return {member[name]: _keyed(member) for member in document}
    return document


def _statements_of(body: ProofBody) -> dict[str, Any]:
    return {
        f"vintage {proven.statement.vintage}": {
            name: to_document(getattr(proven.statement, name)) for name in ("energy_wh", "credits_g", "revenue_minor")
        }
        for proven in body.statements
    }


def _differences(before: Any, after: Any, place: str = "") -> tuple[Change, ...]:  # noqa: ANN401  as above
    if before == after:
        return ()
    if not (isinstance(before, dict) and isinstance(after, dict)):
        return (Change(place, before, after),)
    names: Sequence[str] = sorted({*before, *after})
    lead = f"{place}." if place else ""
    return tuple(
        change for name in names for change in _differences(before.get(name), after.get(name), f"{lead}{name}")
    )
