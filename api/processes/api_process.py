"""The HTTP API from its configuration: put together, served, stopped."""

import logging
import sqlite3
import threading
from contextlib import ExitStack
from functools import partial
from typing import TYPE_CHECKING

from api.assembly import Site, assembled
from api.configuration.api import ApiConfig
from api.configuration.rules import load_rules
from api.notices.telemetry import TelemetryBridge
from api.processes.api_health import ApiHealth
from api.processes.application import counted_application
from api.processes.health import health_app
from api.processes.node_watch import NodeWatch
from api.processes.traffic import Tally
from api.projection.places import load_places
from api.server import serve
from devices.broker_address import BrokerUrlError
from oracle.errors import ConfigError
from oracle.pauses import keep_pauses_short

if TYPE_CHECKING:
    from web3 import Web3

log = logging.getLogger(__name__)

RPC_TIMEOUT_S = 10
STOP_S = 3.5
"""The whole stop takes no longer [s]."""


def run_api(config: ApiConfig, stop: threading.Event) -> None:
    """Serve until `stop` is set. Journal, chain, node and broker need not be there.

    Raises:
        ConfigError: a file cannot be used.
        OSError: a port is taken.

    """
    stack = ExitStack()
    try:
        try:
            _serve(config, stack)
            stop.wait()
            log.info("stopping")
        finally:
            _close(stack)
    except sqlite3.DatabaseError as error:
        raise ConfigError(f"{config.api.state}: its files cannot be used: {error}") from error
    log.info("stopped")


def _close(stack: ExitStack) -> None:
    """Bring everything down, but wait no longer than a stop may take: what is durable is so already."""
    closing = threading.Thread(target=stack.close, name="closing", daemon=True)
    closing.start()
    closing.join(STOP_S)
    if closing.is_alive():
        log.info("left a request to journal or chain to itself; what it would have brought is read at the next start")


def _serve(config: ApiConfig, stack: ExitStack) -> None:
    """Bring everything up; the stack brings it down."""
    settings = config.api
    try:
        settings.state.mkdir(parents=True, exist_ok=True, mode=0o700)
    except OSError as error:
        raise ConfigError(f"{settings.state}: cannot be made: {error.strerror}") from error
    site = _site(config)
    tally = Tally()
    watching: list[NodeWatch] = []
    health = ApiHealth(settings.name, settings.state, tally, lambda: watching[0] if watching else None)
    telemetry = _bridge(config, stack)
    services = stack.enter_context(assembled(site, telemetry=telemetry, health=health))
    health.serve(services)
    if settings.node_health is not None:
        watching.append(NodeWatch(services.projection.sources, settings.node_health))
        stack.callback(watching[0].stop)
        watching[0].start()
    app = counted_application(services, tally)
    keep_pauses_short()
    address = stack.enter_context(serve(app, settings.port))
    if services.notices is not None:
        stack.callback(services.notices.hub.close)  # the server would wait for open event streams
    log.info("api %s of network %s at %s, for %s", settings.name, settings.network, address, settings.public_url)
    if config.health is not None:
        figures = health_app(health.figures, health.hindrances, health.degradations)
        log.info("health at %s", stack.enter_context(serve(figures, config.health.port)))


def _site(config: ApiConfig) -> Site:
    settings = config.api
    return Site(
        network=settings.network,
        journal=settings.journal,
        archives=settings.archives_folder,
        connect=partial(_connect, config.chain.url()),
        book=config.chain.load_address_book(),
        finality=config.chain.finality,
        rules=load_rules(settings.rules),
        state=settings.state,
        public_url=settings.public_url,
        places={} if settings.places is None else load_places(settings.places),
    )


def _bridge(config: ApiConfig, stack: ExitStack) -> TelemetryBridge | None:
    """Connect to the broker, in the background, where telemetry is taken by HTTP."""
    if config.broker is None or config.telemetry is None:
        return None
    keys = {node.name: node.public_key() for node in config.telemetry.node}
    try:
        bridge = TelemetryBridge(
            config.telemetry.gateway, config.api.network, config.broker.full_url(), keys, config.telemetry.copies
        )
    except BrokerUrlError as error:
        raise ConfigError(f"broker: {error}") from error
    bridge.start()
    stack.callback(bridge.close)
    return bridge


def _connect(url: str) -> "Web3":
    """Make a client of the chain; nothing is asked yet."""
    from web3 import HTTPProvider, Web3  # noqa: PLC0415  takes a second to import, and the start need not wait for it

    return Web3(HTTPProvider(url, request_kwargs={"timeout": RPC_TIMEOUT_S}))
