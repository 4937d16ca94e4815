"""The real application over a projection that a test writes to, with two owners and an operator."""

import asyncio
import json
from contextlib import contextmanager
from types import SimpleNamespace
from urllib.parse import urlsplit

import httpx

from api.access.access import Access, AccessSettings
from api.access.keys import scopes_of
from api.access.limits import NO_LIMITS
from api.access.principal import Role
from api.app import create_app
from api.clocks import system_ms
from api.notices.notices import Notices
from api.projection.projection import Projection
from api.projection.registration import BY_CHAIN, write_asset, write_project
from api.server import serve
from api.services import Services
from contracts.state import Asset, AssetStatus, Assurance, ClaimRight, Project

ADA, BOB = "0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed", "0xfB6916095ca1df60bB79Ce92cE3Ea74c37c5d359"
URL = "http://sun.example"
PARTS_S = 10


class NoticeSite:
    """One server. `tell` makes something happen."""

    def __init__(self, folder, telemetry=None):
        self.folder = folder
        self.projection = Projection.open(folder / "projection.sqlite", network="test")
        settings = AccessSettings(public_url=URL, chain_id=1, limits=NO_LIMITS)
        self.access = Access.open(folder / "access.sqlite", settings, self.projection.assets_of)
        self.telemetry = telemetry
        with self.projection.writing() as writing:
            for asset_id, owner in (("roof", ADA), ("barn", BOB)):
                _register(writing, asset_id, owner)
        self.notices = self._open()
        services = Services(
            projection=self.projection,
            access=self.access,
            network="test",
            public_url=URL,
            notices=self.notices,
            telemetry=telemetry,
        )
        self.app = create_app(services)

    def _open(self):
        return Notices.open(self.folder, self.projection, allow_private_targets=True)

    def give(self, asset_id, owner):
        with self.projection.writing() as writing:
            _register(writing, asset_id, owner)

    def tell(self, kind, asset_id=None, at_ms=None, **document):
        with self.projection.writing() as writing:
            number = None if asset_id is None else writing.asset(asset_id)
            writing.tell(kind, number, system_ms() if at_ms is None else at_ms, document)

    def key(self, role=Role.OPERATOR, address=None, scopes=None):
        scopes = scopes or scopes_of(role)
        made, token = self.access.keys.make(
            role=role, scopes=frozenset(scopes), label="test", now_ms=system_ms(), address=address
        )
        return SimpleNamespace(key_id=made.key_id, headers={"Authorization": f"Bearer {token}"})

    def close(self):
        self.notices.close()
        self.access.close()
        self.projection.close()


def _register(writing, asset_id, owner):
    write_project(
        writing, Project("village", ADA, bytes(32), ClaimRight.NONE, bytes(32), Assurance.DEVICE_SIGNED), BY_CHAIN
    )
    write_asset(writing, Asset(asset_id, "village", owner, 8000, 0, 0, 0, 0, AssetStatus.ACTIVE), BY_CHAIN)


@contextmanager
def notice_site(folder, telemetry=None):
    """Serve it, with an HTTP client for short requests at `site.client`."""
    site = NoticeSite(folder, telemetry)
    site.notices.start()
    try:
        with serve(site.app, 0) as site.address, httpx.Client(base_url=site.address, trust_env=False) as site.client:
            yield site
            site.notices.hub.close()
    finally:
        site.close()


class Listener:
    """A client of its own for server-sent events: bytes off a socket, as slow as a test wants."""

    def __init__(self, address, headers, *, query="", last_event_id=None, buffer=2**22):
        self._address = urlsplit(address)
        self._headers = headers | ({} if last_event_id is None else {"Last-Event-ID": last_event_id})
        self._query = query
        self._buffer = buffer
        self.status = None
        self.head = ""
        self.text = ""
        self.closed = False
        self._task = None

    async def __aenter__(self):
        host, port = self._address.hostname, self._address.port
        self._reader, self._writer = await asyncio.open_connection(host, port, limit=self._buffer)
        lines = [f"GET /v1/events{self._query} HTTP/1.1", f"Host: {host}", "Accept: text/event-stream"]
        lines += [f"{name}: {text}" for name, text in self._headers.items()]
        self._writer.write("\r\n".join([*lines, "", ""]).encode())
        self.head = (await self._reader.readuntil(b"\r\n\r\n")).decode()
        self.status = int(self.head.split()[1])
        return self

    def listen(self):
        self._task = asyncio.create_task(self._read())
        return self

    async def _read(self):
        try:
            while (size := int(await self._reader.readline(), 16)) > 0:
                self.text += (await self._reader.readexactly(size)).decode()
                await self._reader.readline()
        except (asyncio.IncompleteReadError, ConnectionError, ValueError):
            pass
        self.closed = True

    async def __aexit__(self, *_):
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
        self._writer.close()

    def events(self):
        """(event, id, document) of each."""
        found = []
        for block in self.text.split("\n\n")[:-1]:
            fields = dict(line.split(": ", 1) for line in block.split("\n") if ": " in line and line[0] != ":")
            if "event" in fields:
                found.append((fields["event"], fields.get("id"), json.loads(fields["data"])))
        return found

    def numbers(self):
        return [document["number"] for _, _, document in self.events() if "number" in document]

    async def until(self, condition, timeout_s=PARTS_S):
        async with asyncio.timeout(timeout_s):
            while not condition(self):  # noqa: ASYNC110  what is waited for is not ours to set
                await asyncio.sleep(0.01)
