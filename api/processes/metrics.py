"""Figures of a process in the text format of Prometheus.

The figures are those of /healthz; this is the table of their names there, and nothing is counted twice. What a process
does not have is left out.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
    InfoMetricFamily,
    Metric,
)
from prometheus_client.exposition import CONTENT_TYPE_LATEST
from prometheus_client.registry import Collector

CONTENT_TYPE = CONTENT_TYPE_LATEST
PREFIX = "heliograph_"


@dataclass(frozen=True)
class Family:
    """A figure as a metric."""

    figure: str
    """Where it is among the figures; a dot leads into a part."""
    name: str
    """Without the prefix, and without `_total`, which counters get."""
    kind: Literal["counter", "gauge", "histogram"]
    """A histogram's figure is {"buckets": {upper bound: how many up to it}, "sum": what they add up to}."""
    text: str
    label: str | None = None
    """The figure is one for each label: {label: number}."""


FAMILIES = (
    Family("ready", "ready", "gauge", "1 if nothing keeps the process from its work"),
    Family("degradations", "degradations", "gauge", "How much goes wrong beside its work"),
    Family("broker_connected", "broker_connected", "gauge", "1 while the broker is there"),
    # node
    Family("envelopes", "envelopes", "counter", "New envelopes journaled since the start"),
    Family("readings", "readings", "counter", "Readings of accepted envelopes since the start, repeated ones included"),
    Family("duplicates", "duplicates", "counter", "Envelopes accepted since the start that were journaled before"),
    Family("refused_by_reason", "refused", "counter", "Refusals and remarks since the start, by reason", "reason"),
    Family("unstored", "refusals_unstored", "counter", "Refusals since the start beyond their sender's quota"),
    Family("shed", "messages_shed", "counter", "Messages turned away since the start, more than can be worked on"),
    Family(
        "journal.rows", "journal_rows", "gauge", "Number of the last envelope in the journal, archived ones counted"
    ),
    Family("journal.bytes", "journal_bytes", "gauge", "Size of the journal with its log"),
    Family("journal.free_bytes", "journal_free_bytes", "gauge", "Room left on the journal's disk"),
    Family("journal.writable", "journal_writable", "gauge", "0 while the journal cannot be written"),
    Family("leads", "leads_reports", "gauge", "1 if this node leads reports"),
    Family("chain_well", "chain_well", "gauge", "0 while the work on the chain fails"),
    Family("last_epoch", "report_epoch", "gauge", "Epoch of the last report"),
    Family("last_cutoff", "report_cutoff_timestamp_seconds", "gauge", "Cutoff of the last report"),
    Family("historian.row", "historian_row", "gauge", "Last row of the journal that is in the time-series database"),
    Family("historian.lag_rows", "historian_lag_rows", "gauge", "Rows of the journal that are not in it yet"),
    Family("historian.well", "historian_well", "gauge", "0 while the time-series database fails"),
    # gateway
    Family("readings_signed", "readings_signed", "counter", "Readings signed since the start"),
    Family("envelopes_signed", "envelopes_signed", "counter", "Envelopes signed since the start"),
    Family("envelopes_pending", "outbox_envelopes", "gauge", "Envelopes that not enough nodes have acknowledged"),
    Family("envelopes_in_flight", "outbox_in_flight_envelopes", "gauge", "Envelopes that wait for an answer"),
    Family("envelopes_set_aside", "outbox_set_aside_envelopes", "gauge", "Envelopes that too many nodes refuse"),
    Family("refusals_by_reason", "outbox_refusals", "gauge", "Refusals held against envelopes in the outbox", "reason"),
    Family("outbox_bytes", "outbox_bytes", "gauge", "Bytes of envelopes in the outbox"),
    Family("outbox_quota_bytes", "outbox_quota_bytes", "gauge", "Bytes that the outbox may hold"),
    Family("outbox_full", "outbox_full", "gauge", "1 while the outbox takes nothing more"),
    Family("time_known", "time_known", "gauge", "1 if the clock can be believed"),
    Family("delivery.connects", "broker_connects", "counter", "Connections to the broker since the start"),
    Family("delivery.published", "published", "counter", "Envelopes published since the start, each time counted"),
    Family(
        "delivery.repeated", "published_again", "counter", "Those of them published before over the same connection"
    ),
    Family("delivery.delivered", "delivered", "counter", "Envelopes that enough nodes acknowledged since the start"),
    Family("delivery.acknowledgements", "acknowledgements", "counter", "Acknowledgements received since the start"),
    Family("delivery.ignored", "acknowledgements_ignored", "counter", "Acknowledgements that do not count"),
    Family("delivery.refusals", "refusals", "counter", "Times since the start that a node refused an envelope anew"),
    Family("readings_waiting_for_time", "readings_waiting_for_time", "gauge", "Readings that wait for the time"),
    # api
    Family("source_well", "source_well", "gauge", "0 while a source of what is shown does not answer", "source"),
    Family("source_age_s", "source_age_seconds", "gauge", "Time since a source last answered", "source"),
    Family("requests_by_status", "http_requests", "counter", "Requests answered since the start, by status", "status"),
    Family(
        "request_seconds", "http_request_duration_seconds", "histogram", "Time to answer; event streams are left out"
    ),
    Family("requests_in_flight", "http_requests_in_flight", "gauge", "Requests being answered, event streams included"),
    Family("event_listeners", "event_listeners", "gauge", "Connections that listen to events"),
    Family("events_told", "events_told", "counter", "Events handed to listeners since the start"),
    Family("webhooks", "webhooks", "gauge", "Webhooks there are"),
    Family(
        "webhooks_delivered", "webhook_deliveries", "counter", "Webhook deliveries that were taken, since the start"
    ),
    Family(
        "webhooks_failed", "webhook_failures", "counter", "Tries of webhook deliveries that failed, since the start"
    ),
    Family("deliveries_pending", "webhook_deliveries_pending", "gauge", "Webhook deliveries that wait"),
    Family("deliveries_dead", "webhook_deliveries_dead", "gauge", "Webhook deliveries that were given up"),
    Family("telemetry_messages", "telemetry_messages", "counter", "Messages of telemetry by HTTP since the start"),
    Family("telemetry_waiting", "telemetry_waiting", "gauge", "Messages of them that wait for nodes"),
    Family("telemetry_unfinished", "telemetry_unfinished", "counter", "Messages that too few nodes answered in time"),
    Family("projection.version", "projection_version", "gauge", "Rises whenever anything shown changes"),
    Family("projection.bytes", "projection_bytes", "gauge", "Size of the projection's file with its log"),
    Family("projection.free_bytes", "projection_free_bytes", "gauge", "Room left on the projection's disk"),
    Family("meters.listed", "meters_listed", "gauge", "Meters that the registry lists"),
    Family("meters.reporting", "meters_reporting", "gauge", "Meters of them that report"),
    Family("energy_wh", "energy_watt_hours", "gauge", "Energy in the ledger, by standing", "standing"),
    Family("awaited_minor", "revenue_awaited_minor", "gauge", "Attested and not paid in, in millionths of HKD"),
)


def exposition(figures: Mapping[str, Any]) -> bytes:
    """Write figures in Prometheus's text format."""
    registry = CollectorRegistry(auto_describe=False)
    registry.register(_Figures(figures))
    return generate_latest(registry)


class _Figures(Collector):
    """Hands out the families of figures that are there."""

    def __init__(self, figures: Mapping[str, Any]) -> None:
        self._figures = figures

    def collect(self) -> Iterator[Metric]:
        process = next((name for name in ("node", "gateway", "api") if name in self._figures), None)
        if process is not None:
            named = {"process": process, "name": str(self._figures[process]), "network": str(self._figures["network"])}
            yield InfoMetricFamily(f"{PREFIX}process", "Which process this is", named)
        for family in FAMILIES:
            figure = _look_up(self._figures, family.figure)
            if figure is not None:
                yield _metric(family, figure)


def _look_up(figures: Mapping[str, Any], place: str) -> Any:  # noqa: ANN401  figures are of any kind
    found: Any = figures
    for part in place.split("."):
        found = found.get(part) if isinstance(found, Mapping) else None
    return found


def _metric(family: Family, figure: Any) -> Metric:  # noqa: ANN401  a number, or numbers by label
    if family.kind == "histogram":
        buckets = [(str(bound), float(count)) for bound, count in figure["buckets"].items()]
        return HistogramMetricFamily(PREFIX + family.name, family.text, buckets=buckets, sum_value=figure["sum"])
    made = (CounterMetricFamily if family.kind == "counter" else GaugeMetricFamily)(
        PREFIX + family.name, family.text, labels=[family.label] if family.label else []
    )
    for label, number in figure.items() if family.label else [(None, figure)]:
        made.add_metric([] if label is None else [str(label)], float(number))
    return made
