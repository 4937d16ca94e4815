"""Report N = f(statements of report N-1, envelopes up to N, registry, rules): the one function that every node and every auditor runs."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import rfc8785

from devices.telemetry import Envelope
from oracle.errors import ReportError
from oracle.reporting.advance import advance
from oracle.reporting.asset_settlement import AssetSettlement, settle_asset
from oracle.reporting.evidence import next_evidence_root
from oracle.reporting.keccak import keccak256
from oracle.reporting.merkle import StandardMerkleTree
from oracle.reporting.registry import RegistrySnapshot
from oracle.reporting.report import Report, totals_of
from oracle.reporting.rules import Rules
from oracle.reporting.statement import NO_EVIDENCE, Statement

StatementKey = tuple[str, int]
"""(asset id, vintage)."""


@dataclass(frozen=True)
class Basis:
    """What a report follows from, besides the envelopes."""

    epoch: int
    prev: bytes
    cutoff_s: int
    config_digest: bytes
    registry: RegistrySnapshot
    rules: Rules
    statements: Mapping[StatementKey, Statement]
    """Statements of the previous report."""


@dataclass(frozen=True, eq=False)
class Compiled:
    """A report with everything it follows from."""

    report: Report
    statements: Mapping[StatementKey, Statement]
    settlements: Mapping[str, AssetSettlement]
    """By asset id."""

    @cached_property
    def tree(self) -> StandardMerkleTree:
        """Tree over the statements; its root is the report's."""
        return statements_tree(self.statements.values())


def statements_tree(statements: Iterable[Statement]) -> StandardMerkleTree:
    """Tree over statements, whatever their order."""
    return StandardMerkleTree(tuple(statement.leaf for statement in statements))


def manifest_hash(epoch: int, new_digests: Iterable[bytes], statements: Iterable[Statement]) -> bytes:
    """Hash what a node must be able to serve for a report: the envelopes first used in it, and the statements (32 bytes)."""
    document = {
        "epoch": epoch,
        "envelopes": sorted(digest.hex() for digest in new_digests),
        "statements": sorted(statement.leaf.hex() for statement in statements),
    }
    return keccak256(rfc8785.dumps(document))  # type: ignore[arg-type]  # its type is invariant in the member type


def compile_report(basis: Basis, used_before: Sequence[Envelope], new: Sequence[Envelope]) -> Compiled:
    """Compile one report.

    Assets for which the rules name no terms are left as they are. Envelopes of earlier reports whose meter or key is no longer listed stay
    evidence and count for nothing.

    Args:
        basis: everything but the envelopes.
        used_before: envelopes of all earlier reports, in any order.
        new: envelopes first used in this report, in any order, none of them in `used_before`.

    Returns:
        The report and what it states. The same for any order of the envelopes.

    Raises:
        ReportError: a new envelope does not count (see `countable`), or one is named twice.

    """
    if len({envelope.digest for envelope in (*used_before, *new)}) != len(used_before) + len(new):
        raise ReportError(f"epoch {basis.epoch}: an envelope is used twice")
    for envelope in new:
        if not countable(envelope, basis.registry, basis.rules):
            raise ReportError(
                f"epoch {basis.epoch}: envelope {envelope.digest.hex()} does not count by the registry or the rules"
            )
    earlier, fresh = _by_asset(basis.registry, used_before), _by_asset(basis.registry, new)
    statements = dict(basis.statements)
    settlements = {}
    for asset_id, asset in sorted(basis.registry.assets.items()):
        if asset_id not in basis.rules.terms:
            continue
        envelopes = [*earlier.get(asset_id, []), *fresh.get(asset_id, [])]
        settlement = settle_asset(basis.registry.listed(asset_id), envelopes, basis.rules, basis.cutoff_s)
        settlements[asset_id] = settlement
        evidence = next_evidence_root(
            evidence_root_of(asset_id, basis.statements),
            [envelope.digest for envelope in fresh.get(asset_id, [])],
            settlement.document,
        )
        before = {vintage: s for (named, vintage), s in basis.statements.items() if named == asset_id}
        advanced = advance(asset_id, asset.utc_offset_s, before, settlement.settled, evidence)
        statements |= {(asset_id, vintage): statement for vintage, statement in advanced.items()}
    return Compiled(_report(basis, statements, [envelope.digest for envelope in new]), statements, settlements)


def countable(envelope: Envelope, registry: RegistrySnapshot, rules: Rules) -> bool:
    """Whether an envelope may be used in a report: entitled by the registry, of an asset that the rules name terms for."""
    if registry.objection(envelope) is not None:
        return False
    return registry.meters_by_device[envelope.device, envelope.meter].asset_id in rules.terms


def evidence_root_of(asset_id: str, statements: Mapping[StatementKey, Statement]) -> bytes:
    """Evidence root that an asset's statements share (32 zero bytes before the first report)."""
    return next((s.evidence_root for (named, _), s in sorted(statements.items()) if named == asset_id), NO_EVIDENCE)


def _by_asset(registry: RegistrySnapshot, envelopes: Iterable[Envelope]) -> dict[str, list[Envelope]]:
    by_asset: dict[str, list[Envelope]] = {}
    for envelope in envelopes:
        listed = registry.meters_by_device.get((envelope.device, envelope.meter))
        if listed is not None:
            by_asset.setdefault(listed.asset_id, []).append(envelope)
    return by_asset


def _report(basis: Basis, statements: Mapping[StatementKey, Statement], new_digests: Sequence[bytes]) -> Report:
    return Report(
        epoch=basis.epoch,
        prev=basis.prev,
        cutoff_s=basis.cutoff_s,
        config_digest=basis.config_digest,
        rules_digest=basis.rules.digest,
        registry_block=basis.registry.block,
        registry_hash=basis.registry.tree.root,
        root=statements_tree(statements.values()).root,
        totals=totals_of(statements.values()),
        leaf_count=len(statements),
        data_hash=manifest_hash(basis.epoch, new_digests, statements.values()),
    )
