"""Reports and signers as the oracle contract tells of them, and the registry's own events."""

import json
from typing import Any

from api.projection.chain_logs import ChainLog, ChainReader
from api.projection.registration import BY_CHAIN, write_asset, write_meters, write_project
from api.projection.store import Writing
from contracts.state import Asset, ListedMeter, Project, from_bytes32
from oracle.reporting.registry import meters_root
from oracle.transmitter.registry_log import struct_fields
from oracle.transmitter.web3_chain import report_from_struct


class Reports:
    """Writes what the oracle contract tells, in the chain's order."""

    def __init__(self, writing: Writing, reader: ChainReader) -> None:
        self._writing = writing
        self._reader = reader

    def published(self, log: ChainLog) -> None:
        """Keep a report with those who signed it."""
        report = report_from_struct(log.args["report"])
        self._writing.connection.execute(
            f"INSERT OR REPLACE INTO chain_report VALUES ({', '.join('?' * 14)}, 'pending')",  # noqa: S608  question marks
            (
                report.epoch, bytes(log.args["digest"]), report.prev, report.cutoff_s, report.config_digest, report.root,
                report.leaf_count, str(report.totals.energy_wh), str(report.totals.credits_g),
                str(report.totals.revenue_minor), self._reader.signatures_of(log.tx), log.block, log.tx, log.at_s,
            ),
        )  # fmt: skip
        document = {
            "epoch": report.epoch,
            "cutoff_s": report.cutoff_s,
            "energy_wh": report.totals.energy_wh,
            "credits_g": report.totals.credits_g,
            "revenue_minor": report.totals.revenue_minor,
            "block": log.block,
            "transaction": log.tx,
        }
        self._writing.tell("report", None, log.at_s * 1000, document)
        self._writing.touch_all()

    def disabled(self, log: ChainLog) -> None:
        """Note that a guardian disabled a report: it counts no more."""
        epoch = log.args["epoch"]
        self._writing.connection.execute("UPDATE chain_report SET status = 'disabled' WHERE epoch = ?", (epoch,))
        document = {"epoch": epoch, "block": log.block, "transaction": log.tx}
        self._writing.tell("report_disabled", None, log.at_s * 1000, document)
        self._writing.touch_all()

    def signers_set(self, log: ChainLog) -> None:
        """Keep a signer set under the digest that its reports name."""
        self._writing.connection.execute(
            "INSERT OR REPLACE INTO signer_set VALUES (?, ?, ?)",
            (bytes(log.args["configDigest"]), json.dumps(list(log.args["signers"])), log.args["threshold"]),
        )
        self._writing.put("config_digest", bytes(log.args["configDigest"]).hex())
        self._writing.is_shown = True

    def activate(self, activation_delay_s: int, now_s: int) -> None:
        """Note which pending reports have become active by a block's time [s UTC]."""
        query = (
            "SELECT epoch, published_s FROM chain_report WHERE status = 'pending' AND published_s <= ? ORDER BY epoch"
        )
        for epoch, published_s in self._writing.connection.execute(query, (now_s - activation_delay_s,)).fetchall():
            self._writing.connection.execute("UPDATE chain_report SET status = 'active' WHERE epoch = ?", (epoch,))
            active_ms = (published_s + activation_delay_s) * 1000
            self._writing.tell("report_active", None, active_ms, {"epoch": epoch})
            self._writing.touch_all()


class Registrations:
    """Writes what the registry tells. By the nodes' own rule a meter list that does not hash to its root lists nothing."""

    def __init__(self, writing: Writing) -> None:
        self._writing = writing

    def project_set(self, log: ChainLog) -> None:
        """Write a project's terms."""
        raw = bytes(log.args["projectId"])
        write_project(self._writing, Project.from_abi(raw, struct_fields(log.args["project"]), bytes(32)), BY_CHAIN)

    def asset_set(self, log: ChainLog) -> None:
        """Write an asset's terms."""
        raw = bytes(log.args["assetId"])
        write_asset(self._writing, Asset.from_abi(raw, struct_fields(log.args["asset"])), BY_CHAIN)

    def meters_set(self, log: ChainLog) -> None:
        """Write a project's meter list."""
        listed = [ListedMeter.from_abi(_fields(meter)) for meter in log.args["meters"]]
        is_whole = meters_root(listed) == bytes(log.args["root"])
        project_id = from_bytes32(bytes(log.args["projectId"]))
        write_meters(self._writing, project_id, listed if is_whole else [], BY_CHAIN)


def _fields(struct: Any) -> tuple[Any, ...]:  # noqa: ANN401  web3 gives structs as mappings or tuples
    return struct_fields(struct)
