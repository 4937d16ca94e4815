"""One gateway from its configuration: source, signing log, outbox, delivery."""

import logging
import sqlite3
import threading
from dataclasses import asdict
from typing import Any

from api.clocks import counter_ms, synchronised, system_ms
from api.configuration.gateway import GatewayConfig
from api.processes.health import health_app
from api.processes.hindrances import Hindrances
from api.server import serve
from devices.durable_file import DurableFileError
from devices.gateway import Gateway
from devices.meter_source import MeterSource, SourceError, Taken
from devices.outbox import Outbox, OutboxFullError
from devices.signing_log import SigningLog, SigningLogError, TimeUnknownError
from devices.telemetry import TelemetryError
from devices.trusted_time import TrustedTime
from oracle.errors import ConfigError

log = logging.getLogger(__name__)

SHORTEST_PAUSE_S = 0.05
LONGEST_PAUSE_S = 5.0
"""An outbox that was full, or a disk, is looked at again after this at the latest [s]."""


def run_gateway(config: GatewayConfig, stop: threading.Event) -> None:
    """Run a gateway until `stop` is set.

    Raises:
        ConfigError: a file cannot be used.
        OSError: the port of the health endpoint is taken.

    """
    settings = config.gateway
    try:
        settings.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        outbox = Outbox(settings.folder / "outbox.sqlite", settings.outbox_quota)
        signing = SigningLog(settings.folder / "signing.sqlite", settings.network)
    except OSError as error:
        raise ConfigError(f"{settings.folder}: cannot be made: {error.strerror}") from error
    except DurableFileError as error:
        raise ConfigError(str(error)) from error
    gateway = Gateway(
        settings.name,
        settings.network,
        config.broker.full_url(),
        outbox,
        {node.name: node.public_key() for node in config.node},
        settings.copies,
        backfill_per_s=settings.backfill_per_s,
    )
    time = TrustedTime(
        system_ms,
        counter_ms,
        synchronised,
        require_synchronised=config.clock.require_synchronised,
        earlier_ms=lambda: signing.newest_s() * 1000,
    )
    try:
        GatewayProcess(config, gateway, signing, config.source.open(time), time).run(stop)
    finally:
        signing.close()
        outbox.close()


class GatewayProcess:
    """Signs what a source has to say and leaves delivery to the gateway.

    What cannot be stored is not taken: while the outbox is full, or the disk, the source is left alone, and what it says
    waits there. It goes on by itself once there is room.
    """

    def __init__(
        self, config: GatewayConfig, gateway: Gateway, signing: SigningLog, source: MeterSource, time: TrustedTime
    ) -> None:
        self._config = config
        self._identities = {meter.id: meter.identity() for meter in config.meter}
        self._gateway = gateway
        self._signing = signing
        self._source = source
        self._time = time
        self._hindrances = Hindrances(log)
        self._left_out: set[str] = set()
        self._signed = self._envelopes = 0

    def run(self, stop: threading.Event) -> None:
        """Run until `stop` is set, then stop within five seconds; what is not delivered stays in the outbox."""
        with serve(health_app(self.figures, self.hindrances), self._config.health.port) as address:
            log.info("gateway %s of network %s; health at %s", self._gateway.name, self._gateway.network, address)
            self._begin()
            with self._gateway:
                while not stop.is_set():
                    if not self.step():
                        stop.wait(min(max(self._source.pause_s, SHORTEST_PAUSE_S), LONGEST_PAUSE_S))
            log.info("stopped with %d envelopes to deliver", self._gateway.pending())

    def _begin(self) -> None:
        """Take up what the last run left: envelopes that are signed and not in the outbox, and those that were refused."""
        try:
            if left := self._signing.recover(self._gateway.outbox):
                log.info("%d envelopes were signed and not yet in the outbox", left)
            if again := self._gateway.outbox.retry_rejected():
                log.info("%d envelopes were refused and are published again", again)
        except (OutboxFullError, sqlite3.Error) as error:
            log.warning("%s; trying again", error)

    def step(self) -> bool:
        """Sign and store what the source has next; False if there is nothing now, or something is in the way."""
        try:
            if not self._has_room():
                return False
            place = self._signing.place(self._source.name)
            taken = self._source.take(place)
            self._hindrances.note("source", None)
            if taken is not None:
                self._sign(taken, place)
            self._hindrances.note("time", self._time.doubt() if self._source.waiting else None)
            self._hindrances.note("disk", None)
        except OutboxFullError as error:
            self._hindrances.note("outbox", self._full())
            log.debug("%s", error)
        except TimeUnknownError as error:
            self._hindrances.note("time", str(error))
        except (SourceError, SigningLogError, TelemetryError) as error:
            self._hindrances.note("source", str(error))
        except sqlite3.Error as error:
            self._hindrances.note("disk", f"{self._config.gateway.folder}: cannot be written: {error}")
        else:
            return taken is not None
        return False

    def _has_room(self) -> bool:
        """Tell whether new envelopes can be stored; first, what was signed and could not be stored is."""
        if self._gateway.outbox.is_full():
            self._hindrances.note("outbox", self._full())
            return False
        if self._signing.recover(self._gateway.outbox):
            self._gateway.send_many(())
        self._hindrances.note("outbox", None)
        return True

    def _full(self) -> str:
        outbox = self._gateway.outbox
        return f"{outbox.path} is full (outbox_quota = {outbox.quota_bytes} bytes): no more readings are taken"

    def _sign(self, taken: Taken, place: str | None) -> None:
        known = [(self._identities[meter], rows) for meter, rows in taken.readings.items() if meter in self._identities]
        self._note_left_out(taken.readings.keys() - self._identities.keys())
        now_ms = self._time.now_ms()
        self._envelopes += self._signing.sign(
            known,
            self._gateway.outbox,
            batch=self._config.gateway.batch,
            first_boot=None if now_ms is None else now_ms // 1000,
            source=self._source.name,
            place=place,
            next_place=taken.place,
        )
        self._gateway.send_many(())
        self._signed += sum(len(rows) for _, rows in known)

    def figures(self) -> dict[str, Any]:
        """What passed since the start, and how things stand. Counts are of envelopes where the name says nothing else."""
        outbox = self._gateway.outbox
        stock = outbox.stock()
        return {
            "gateway": self._gateway.name,
            "network": self._gateway.network,
            "broker_connected": self._gateway.connected,
            "readings_signed": self._signed,
            "envelopes_signed": self._envelopes,
            "envelopes_pending": stock.pending,
            "envelopes_in_flight": self._gateway.in_flight(),
            "envelopes_set_aside": stock.set_aside,
            "envelopes_refused": sum(outbox.rejections().values()),
            "refusals_by_reason": outbox.rejections(),
            "outbox_bytes": stock.held_bytes,
            "outbox_quota_bytes": outbox.quota_bytes,
            "outbox_full": outbox.is_full(),
            "delivery": asdict(self._gateway.tally()),
            "time_known": self._time.doubt() is None,
            "readings_waiting_for_time": self._source.waiting,
            "source_fault": self._hindrances.get("source"),
            "meters_left_out": sorted(self._left_out),
        }

    def hindrances(self) -> list[str]:
        """What keeps the gateway from its work. A broker that is away does not: that is what the outbox is for."""
        return self._hindrances.texts() + ([self._gateway.fault] if self._gateway.fault else [])

    def _note_left_out(self, meters: set[str]) -> None:
        if meters - self._left_out:
            log.warning("no device signs for these meters, so they are left out: %s", ", ".join(sorted(meters)))
        self._left_out |= meters
