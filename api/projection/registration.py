"""Assets, projects and meters as the registry has them, written into the projection.

The chain's word counts. Until it was heard, what the journal's reports carry of the registry stands in for it, so that
plants are shown while no chain node answers.
"""

import json
from collections.abc import Iterable, Sequence
from typing import Any

from api.projection.store import Writing
from contracts.state import NEVER_REVOKED, Asset, ListedMeter, Project

BY_CHAIN, BY_JOURNAL = "chain", "journal"


def write_asset(writing: Writing, asset: Asset, source: str) -> None:
    """Write one asset."""
    number = writing.asset(asset.asset_id)
    if source == BY_JOURNAL and _is_of_chain(writing, "asset", "number", number):
        return
    writing.connection.execute(
        "UPDATE asset SET project_id = ?, beneficiary = ?, nameplate_w = ?, commissioned_s = ?, utc_offset_s = ?, status = ?,"
        " registered_by = ? WHERE number = ?",
        (
            asset.project_id, asset.beneficiary, asset.nameplate_w, asset.commissioned_s, asset.utc_offset_s,
            int(asset.status), source, number,
        ),
    )  # fmt: skip
    writing.touch_all()


def write_project(writing: Writing, project: Project, source: str) -> None:
    """Write one project, but for its meters."""
    if source == BY_JOURNAL and _is_of_chain(writing, "project", "project_id", project.project_id):
        return
    writing.connection.execute(
        "INSERT OR REPLACE INTO project VALUES (?, ?, ?)", (project.project_id, _project_text(project), source)
    )
    writing.touch_all()


def write_meters(writing: Writing, project_id: str, meters: Iterable[ListedMeter], source: str) -> None:
    """Write the meter list of a project in place of the one before."""
    if source == BY_JOURNAL and _is_of_chain(writing, "project", "project_id", project_id):
        return
    writing.connection.execute("DELETE FROM listed_meter WHERE project_id = ?", (project_id,))
    rows = [
        (
            project_id, place, meter.asset_id, meter.meter_id, meter.device_id, int(meter.role), meter.thumbprint,
            meter.nameplate_w, (meter.revoked_boot, meter.revoked_sequence) != (NEVER_REVOKED, NEVER_REVOKED),
        )
        for place, meter in enumerate(meters)
    ]  # fmt: skip
    writing.connection.executemany(f"INSERT INTO listed_meter VALUES ({', '.join('?' * 9)})", rows)  # noqa: S608
    writing.touch_all()


def write_registry(
    writing: Writing, projects: Sequence[Project], assets: Sequence[Asset], meters: Sequence[ListedMeter], source: str
) -> None:
    """Write a whole registry."""
    project_of = {asset.asset_id: asset.project_id for asset in assets}
    listed: dict[str, list[ListedMeter]] = {project.project_id: [] for project in projects}
    for meter in meters:
        listed.get(project_of.get(meter.asset_id, ""), []).append(meter)
    for project_id, found in listed.items():
        write_meters(writing, project_id, found, source)
    for project in projects:
        write_project(writing, project, source)
    for asset in assets:
        write_asset(writing, asset, source)


def forget_registry(writing: Writing, source: str) -> None:
    """Forget what a source said of the registry; assets keep their numbers."""
    fields = "project_id = NULL, beneficiary = NULL, nameplate_w = NULL, commissioned_s = NULL, status = NULL"
    writing.connection.execute(f"UPDATE asset SET {fields}, registered_by = NULL WHERE registered_by = ?", (source,))  # noqa: S608
    writing.connection.execute(
        "DELETE FROM listed_meter WHERE project_id IN (SELECT project_id FROM project WHERE registered_by = ?)",
        (source,),
    )
    writing.connection.execute("DELETE FROM project WHERE registered_by = ?", (source,))
    writing.touch_all()


def project_from_text(project_id: str, text: str) -> dict[str, Any]:
    """Read what `write_project` wrote."""
    document: dict[str, Any] = json.loads(text)
    return {"project_id": project_id, **document}


def _project_text(project: Project) -> str:
    document = {
        "currency": project.currency,
        "methodology": project.methodology.hex(),
        "claim_right": int(project.claim_right),
        "document_hash": project.document_hash.hex(),
        "assurance": int(project.assurance),
    }
    return json.dumps(document)


def _is_of_chain(writing: Writing, table: str, key: str, name: str | int) -> bool:
    query = f"SELECT 1 FROM {table} WHERE {key} = ? AND registered_by = ?"  # noqa: S608  our names
    return writing.connection.execute(query, (name, BY_CHAIN)).fetchone() is not None
