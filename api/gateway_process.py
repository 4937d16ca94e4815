"""One gateway from its configuration: source, signing log, outbox, delivery."""

import logging
import sqlite3
import threading
import time
from typing import Any

from api.configuration.gateway import GatewayConfig
from api.health import health_app
from api.server import serve
from devices.durable_file import DurableFileError
from devices.gateway import Gateway
from devices.meter_source import MeterSource, SourceError, TailedTable
from devices.outbox import Outbox
from devices.signing_log import SigningLog, SigningLogError
from devices.telemetry import TelemetryError
from oracle.errors import ConfigError

log = logging.getLogger(__name__)


def run_gateway(config: GatewayConfig, stop: threading.Event) -> None:
    """Run a gateway until `stop` is set.

    Raises:
        ConfigError: a file cannot be used, or the disk is full.
        OSError: the port of the health endpoint is taken.

    """
    settings = config.gateway
    try:
        settings.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        outbox = Outbox(settings.folder / "outbox.sqlite")
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
    )
    try:
        GatewayProcess(config, gateway, signing, TailedTable(config.source.path)).run(stop)
    except sqlite3.Error as error:
        raise ConfigError(f"{settings.folder}: cannot be written: {error}") from error
    finally:
        signing.close()
        outbox.close()


class GatewayProcess:
    """Signs what a source has to say and leaves delivery to the gateway."""

    def __init__(self, config: GatewayConfig, gateway: Gateway, signing: SigningLog, source: MeterSource) -> None:
        self._config = config
        self._identities = {meter.id: meter.identity() for meter in config.meter}
        self._gateway = gateway
        self._signing = signing
        self._source = source
        self._fault: str | None = None
        self._left_out: set[str] = set()
        self._signed = 0

    def run(self, stop: threading.Event) -> None:
        """Run until `stop` is set, then stop within five seconds; what is not delivered stays in the outbox."""
        with serve(health_app(self.figures, self.hindrances), self._config.health.port) as address:
            if left := self._signing.recover(self._gateway.outbox):
                log.info("%d envelopes were signed and not yet in the outbox", left)
            log.info("gateway %s of network %s; health at %s", self._gateway.name, self._gateway.network, address)
            with self._gateway:
                while not stop.is_set():
                    if not self.step():
                        stop.wait(self._config.source.poll_s)
            log.info("stopped with %d envelopes to deliver", self._gateway.pending())

    def step(self) -> bool:
        """Sign and store what the source has next; False if there is nothing now, or something is in the way."""
        try:
            place = self._signing.place(self._source.name)
            taken = self._source.take(place)
            if taken is None:
                self._note(None)
                return False
            known = [
                (self._identities[meter], rows) for meter, rows in taken.readings.items() if meter in self._identities
            ]
            self._note_left_out(taken.readings.keys() - self._identities.keys())
            self._signing.sign(
                known,
                self._gateway.outbox,
                batch=self._config.gateway.batch,
                first_boot=int(time.time()),
                source=self._source.name,
                place=place,
                next_place=taken.place,
            )
        except (SourceError, SigningLogError, TelemetryError, sqlite3.Error) as error:
            self._note(str(error))
            return False
        self._gateway.send_many(())
        self._signed += sum(len(rows) for _, rows in known)
        self._note(None)
        return True

    def figures(self) -> dict[str, Any]:
        """What passed since the start, and how things stand."""
        return {
            "gateway": self._gateway.name,
            "network": self._gateway.network,
            "readings_signed": self._signed,
            "envelopes_pending": self._gateway.pending(),
            "envelopes_refused": len(self._gateway.rejected()),
            "source_fault": self._fault,
            "meters_left_out": sorted(self._left_out),
        }

    def hindrances(self) -> list[str]:
        """What keeps the gateway from signing. A broker that is away does not: that is what the outbox is for."""
        return [self._fault] if self._fault else []

    def _note(self, fault: str | None) -> None:
        if fault is not None and fault != self._fault:
            log.error("%s; trying again", fault)
        if fault is None and self._fault is not None:
            log.info("going on")
        self._fault = fault

    def _note_left_out(self, meters: set[str]) -> None:
        if meters - self._left_out:
            log.warning("no device signs for these meters, so they are left out: %s", ", ".join(sorted(meters)))
        self._left_out |= meters
