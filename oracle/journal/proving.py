"""Write the proof of an asset's statements out of a journal."""

from oracle.attestation.proof import (
    EvidenceLink,
    Proof,
    ProofBody,
    ProvenAsset,
    ProvenMeter,
    ProvenStatement,
    encode_envelope,
)
from oracle.attestation.signer_set import SignerSet
from oracle.errors import JournalError
from oracle.journal.journal import Journal
from oracle.journal.records import ReportRecord
from oracle.reporting.compilation import statements_tree
from oracle.reporting.registry import RegistrySnapshot, asset_leaf, meter_leaf, meters_tree
from oracle.reporting.report import Domain
from oracle.reporting.rules import Rules


def prove_asset(  # noqa: PLR0913  a proof names its network, contract, signers and rules
    journal: Journal,
    asset_id: str,
    *,
    network: str,
    domain: Domain,
    signer_set: SignerSet,
    rules: Rules,
    epoch: int | None = None,
) -> Proof:
    """Prove the statements of one asset: those of the last report, or those of the report of an epoch.

    Raises:
        JournalError: no report covers the asset yet, or no report of that epoch does.

    """
    reports = [record for record in journal.reports() if epoch is None or record.report.epoch <= epoch]
    if epoch is not None and (not reports or reports[-1].report.epoch != epoch):
        raise JournalError(f"no report of epoch {epoch} stands in this journal")
    if not reports or all(statement.asset_id != asset_id for statement in reports[-1].statements):
        raise JournalError(f"asset {asset_id}: no report covers it yet")
    last = reports[-1]
    tree = statements_tree(last.statements)
    body = ProofBody(
        network=network,
        domain=domain,
        signer_set=signer_set,
        report=last.report,
        signatures=last.signatures,
        statements=tuple(
            ProvenStatement(statement, tree.proof(statement.leaf))
            for statement in last.statements
            if statement.asset_id == asset_id
        ),
        registry=_registry_part(last.registry, asset_id),
        evidence=tuple(
            _link(journal, record, asset_id) for record in reports if record.settlement_of(asset_id) is not None
        ),
    )
    return Proof(body, rules)


def _registry_part(registry: RegistrySnapshot, asset_id: str) -> ProvenAsset:
    asset = registry.assets[asset_id]
    project = registry.projects[asset.project_id]
    listed = registry.meters_of(asset_id)
    tree = meters_tree(registry.meters[asset.project_id]) if listed else None
    return ProvenAsset(
        asset=asset,
        project=project,
        path=registry.tree.proof(asset_leaf(asset, project)),
        meters=tuple(ProvenMeter(meter, tree.proof(meter_leaf(meter))) for meter in listed) if tree else (),
    )


def _link(journal: Journal, record: ReportRecord, asset_id: str) -> EvidenceLink:
    """One report's part of the asset's evidence: its settlement, and its envelopes in ascending order of digest."""
    devices = {(meter.device_id, meter.meter_id) for meter in record.registry.meters_of(asset_id)}
    envelopes = [e for e in journal.envelopes(record.manifest) if (e.device, e.meter) in devices]
    return EvidenceLink(
        settlement=record.settlement_of(asset_id) or "",
        envelopes=tuple(encode_envelope(envelope.wire) for envelope in envelopes),
    )
