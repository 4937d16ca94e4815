"""Two evidence bundles side by side, as plain lines and as JSON."""

from collections.abc import Callable
from dataclasses import asdict
from itertools import islice
from typing import Any

from api.instants import write_instant
from oracle.attestation.comparison import Change, Comparison, Effect, Move, Shown, Span, compare
from oracle.attestation.period import PERIOD_FORMAT, decode_period, examine_period
from oracle.attestation.proof import Anchor, Proof, decode_proof
from oracle.attestation.verification import Examined, examine_proof
from oracle.errors import ConfigError, ReportError
from oracle.reporting.document import parse_json

SHOWN = 40
"""Moves of one cause that are printed."""
LONGEST_MEMBER = 60
CAUSES = {
    "cutoff": "readings that the earlier cutoff left for later",
    "evidence": "envelopes that came later",
    "registry": "the registry",
    "rules": "the rules",
}


def compare_files(first: bytes, second: bytes, anchor: Anchor | None) -> Comparison:
    """Verify two bundles or proofs and compare them; of periods that differ, what both cover.

    Raises:
        ProofError: one of them does not hold.
        ConfigError: they are not of the same asset and contract, or their periods have nothing in common.

    """
    one, one_span = _examined(first, anchor)
    other, other_span = _examined(second, anchor)
    try:
        return compare(one, other, _common(one_span, other_span))
    except ReportError as error:
        raise ConfigError(f"the two cannot be compared: {error}") from error


def _examined(raw: bytes, anchor: Anchor | None) -> tuple[tuple[Proof, Examined], Span | None]:
    document = parse_json(raw)
    if isinstance(document, dict) and document.get("format") == PERIOD_FORMAT:
        proven = decode_period(raw)
        return (proven.proof, examine_period(proven, anchor)), (proven.period.from_ms, proven.period.until_ms)
    proof = decode_proof(raw)
    return (proof, examine_proof(proof, anchor)), None


def _common(one: Span | None, other: Span | None) -> Span | None:
    if one is None or other is None:
        return one or other
    common = max(one[0], other[0]), min(one[1], other[1])
    if common[0] >= common[1]:
        raise ConfigError("the two bundles cover no instant both")
    return common


def comparison_document(found: Comparison) -> dict[str, Any]:
    """Return a comparison as JSON members."""
    return {"same": found.is_same, **asdict(found)}


def comparison_lines(found: Comparison) -> list[str]:
    """Say what changed and why, in plain lines."""
    if found.is_same:
        return [f"{found.asset_id}: nothing differs"]
    builds = "the second builds on the first" if found.extends else "the second does NOT build on the first"
    lines = [f"{found.asset_id}: {builds}"]
    lines += _section("report", found.report, _change_line)
    lines += _section("registry", found.registry, _change_line)
    lines += _section("rules", found.rules, _change_line)
    lines += _section("envelopes added", found.added, _envelope_line)
    lines += _section("envelopes WITHDRAWN: the first shows them, the second does not", found.withdrawn, _envelope_line)
    lines += _section("statements", found.statements, _change_line)
    for effect in found.effects:
        lines += _section(f"accounts, because of {_cause(effect)}", effect.moves, _move_line)
    return lines


def _section(title: str, members: tuple[Any, ...], line: Callable[[Any], str]) -> list[str]:
    if not members:
        return []
    lines = [f"{title}: {len(members)}", *(f"  {line(member)}" for member in islice(members, SHOWN))]
    if len(members) > SHOWN:
        lines.append(f"  and {len(members) - SHOWN} more: see --json")
    return lines


def _cause(effect: Effect) -> str:
    return " and ".join(CAUSES[part] for part in effect.cause.split(" and "))


def _change_line(change: Change) -> str:
    return f"{change.place}: {_member(change.before)} -> {_member(change.after)}"


def _member(member: object) -> str:
    text = "nothing" if member is None else str(member)
    return text if len(text) <= LONGEST_MEMBER else f"{text[:LONGEST_MEMBER]}..."


def _envelope_line(shown: Shown) -> str:
    return (
        f"device {shown.device}, meter {shown.meter}, boot epoch {shown.boot}, sequences {shown.first_sequence} to"
        f" {shown.last_sequence}"
    )


def _move_line(move: Move) -> str:
    why = f" ({move.reason})" if move.reason else ""
    return (
        f"{write_instant(move.start_ms)}  {move.meter_id}: {move.standing}{why} {move.before_wh} -> {move.after_wh} Wh"
    )
