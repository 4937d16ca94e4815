"""Report N = f(statements of report N-1, envelopes up to N, registry, rules): the one function that every node and every auditor runs."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import rfc8785

from contracts.state import Asset
from devices.telemetry import Envelope
from oracle.errors import ReportError
from oracle.metering.interval import vintage_of
from oracle.reporting.asset_settlement import AssetSettlement, settle_asset
from oracle.reporting.emissions import avoided_grams_down, revenue_minor_down
from oracle.reporting.evidence import next_evidence_root, settlement_document
from oracle.reporting.keccak import keccak256
from oracle.reporting.merkle import StandardMerkleTree
from oracle.reporting.registry import RegistrySnapshot
from oracle.reporting.report import Report, totals_of
from oracle.reporting.rules import Rules
from oracle.reporting.statement import NO_EVIDENCE, Statement, first_statement

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

    Args:
        basis: everything but the envelopes.
        used_before: envelopes of all earlier reports, in any order.
        new: envelopes first used in this report, in any order, none of them in `used_before`.

    Returns:
        The report and what it states. The same for any order of the envelopes.

    Raises:
        ReportError: an envelope is of no listed meter, or is named twice.

    """
    earlier, fresh = _by_asset(basis.registry, used_before), _by_asset(basis.registry, new)
    if len({envelope.digest for envelope in (*used_before, *new)}) != len(used_before) + len(new):
        raise ReportError(f"epoch {basis.epoch}: an envelope is used twice")
    statements = dict(basis.statements)
    settlements = {}
    for asset_id, asset in sorted(basis.registry.assets.items()):
        envelopes = [*earlier.get(asset_id, []), *fresh.get(asset_id, [])]
        settled = settle_asset(asset, basis.registry.meters_of(asset_id), envelopes, basis.rules, basis.cutoff_s)
        settlements[asset_id] = settled
        evidence = next_evidence_root(
            evidence_root_of(asset_id, basis.statements),
            [envelope.digest for envelope in fresh.get(asset_id, [])],
            settlement_document(basis.cutoff_s, settled.meters),
        )
        for statement in advance(asset, settled, basis, evidence):
            statements[statement.asset_id, statement.vintage] = statement
    return Compiled(_report(basis, statements, [envelope.digest for envelope in new]), statements, settlements)


def evidence_root_of(asset_id: str, statements: Mapping[StatementKey, Statement]) -> bytes:
    """Evidence root that an asset's statements share (32 zero bytes before the first report)."""
    return next((s.evidence_root for (named, _), s in sorted(statements.items()) if named == asset_id), NO_EVIDENCE)


def advance(asset: Asset, settled: AssetSettlement, basis: Basis, evidence_root: bytes) -> list[Statement]:
    """Move each vintage's counters of one asset to what is settled now."""
    terms = basis.rules.terms_of(asset.asset_id)
    current = vintage_of(basis.cutoff_s * 1000 - 1, asset.utc_offset_s)
    known = {vintage for asset_id, vintage in basis.statements if asset_id == asset.asset_id}
    advanced = []
    for vintage in sorted({current, *known, *settled.energy_wh}):
        before = basis.statements.get((asset.asset_id, vintage)) or first_statement(asset.asset_id, vintage)
        energy_wh = settled.energy_wh.get(vintage, 0)
        carbon_wh = min(settled.carbon_wh.get(vintage, 0), energy_wh)
        advanced.append(
            replace(
                before,
                energy_wh=before.energy_wh.moved_to(energy_wh),
                credits_g=before.credits_g.moved_to(avoided_grams_down(carbon_wh, terms.factor)),
                revenue_minor=before.revenue_minor.moved_to(revenue_minor_down(energy_wh, terms.tariff)),
                cutoff_s=basis.cutoff_s,
                evidence_root=evidence_root,
            )
        )
    return advanced


def _by_asset(registry: RegistrySnapshot, envelopes: Iterable[Envelope]) -> dict[str, list[Envelope]]:
    by_asset: dict[str, list[Envelope]] = {}
    for envelope in envelopes:
        listed = registry.meters_by_device.get((envelope.device, envelope.meter))
        if listed is None:
            raise ReportError(
                f"envelope {envelope.digest.hex()}: meter {envelope.meter} of {envelope.device} is not listed"
            )
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
