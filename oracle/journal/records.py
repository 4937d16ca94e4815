"""Rows of the journal as types."""

from dataclasses import dataclass

from contracts.state import Asset, ListedMeter, Project
from oracle.attestation.quorum import AttestedReport
from oracle.reporting.compilation import StatementKey
from oracle.reporting.registry import RegistrySnapshot
from oracle.reporting.report import Report
from oracle.reporting.statement import Statement


@dataclass(frozen=True)
class Rejected:
    """A message, or a part of one, that was not accepted."""

    received_ms: int
    topic: str
    reason: str
    detail: str
    payload: bytes
    """What arrived, cut to `PAYLOAD_KEPT` bytes; its hash is over all of it."""


@dataclass(frozen=True)
class ReportRecord:
    """A report with its quorum and all it follows from, as the journal keeps it and a peer can serve it."""

    report: Report
    signatures: tuple[bytes, ...]
    manifest: tuple[bytes, ...]
    """Digests of the envelopes first used in it, ascending."""
    statements: tuple[Statement, ...]
    """All of them, by (asset, vintage)."""
    settlements: tuple[tuple[str, ...], ...]
    """(asset id, canonical JSON of its settlement) at the report's cutoff."""
    projects: tuple[Project, ...]
    assets: tuple[Asset, ...]
    meters: tuple[ListedMeter, ...]

    @property
    def attested(self) -> AttestedReport:
        """Report and quorum alone."""
        return AttestedReport(self.report, self.signatures)

    @property
    def statements_by_key(self) -> dict[StatementKey, Statement]:
        """Statements by (asset, vintage)."""
        return {(statement.asset_id, statement.vintage): statement for statement in self.statements}

    @property
    def registry(self) -> RegistrySnapshot:
        """The registry at the report's block."""
        project_of = {asset.asset_id: asset.project_id for asset in self.assets}
        return RegistrySnapshot(
            block=self.report.registry_block,
            projects={project.project_id: project for project in self.projects},
            assets={asset.asset_id: asset for asset in self.assets},
            meters={
                project.project_id: tuple(m for m in self.meters if project_of[m.asset_id] == project.project_id)
                for project in self.projects
            },
        )

    def settlement_of(self, asset_id: str) -> str | None:
        """Canonical JSON of an asset's settlement; None if the report has none for it."""
        return next((document for named, document in self.settlements if named == asset_id), None)
