"""A small server of nothing but access: real file, real routes, real sockets, and a clock that the test sets."""

import time
from types import SimpleNamespace

import httpx
import pytest
from eth_account import Account
from eth_account.messages import encode_defunct
from fastapi import FastAPI

from api.access.access import Access, AccessSettings
from api.access.audit_middleware import AuditMiddleware
from api.access.keys import scopes_of
from api.access.permissions import hold_routes_against_table
from api.access.principal import Role
from api.http.problems import install_problems
from api.routes.audit import audit_routes
from api.routes.keys import keys_routes
from api.routes.owners import owners_routes
from api.routes.sessions import sessions_routes
from api.server import serve

PUBLIC_URL = "https://sun.example:8443"
CHAIN_ID = 31337
ALICE, BOB = (Account.from_key(bytes([number]) * 32) for number in (1, 2))
ROOFS = {ALICE.address: frozenset({"alices-roof"}), BOB.address: frozenset({"bobs-roof"})}


class SetClock:
    def __init__(self):
        self.ahead_ms = 0

    def __call__(self):
        return time.time_ns() // 1_000_000 + self.ahead_ms


class Site:
    """One server over one access file, and whoever talks to it."""

    def __init__(self, folder, address, access, clock):
        self.path, self.address, self.access, self.clock = folder / "access.sqlite", address, access, clock
        self.clients = []

    def client(self, **headers):
        client = httpx.Client(base_url=self.address, headers=headers, trust_env=False)
        self.clients.append(client)
        return client

    def message(self, account, client=None):
        nonce = (client or self.client()).post("/v1/sessions/nonce", json={"address": account.address})
        return nonce.json()["message"]

    def sign_in(self, account, text=None, keep="token", client=None):
        client = client or self.client()
        text = text or self.message(account, client)
        return client.post(
            "/v1/sessions", json={"message": text, "signature": signature_of(account, text), "keep": keep}
        )

    def owner(self, account):
        """A client with the session of an account."""
        return self.client(authorization=f"Bearer {self.sign_in(account).json()['token']}")

    def key(self, role=Role.OPERATOR, scopes=None, **others):
        made, token = self.access.keys.make(
            role=role, scopes=scopes or scopes_of(role), label="", now_ms=self.clock(), **others
        )
        return made.key_id, token

    def with_key(self, *arguments, **others):
        return self.client(authorization=f"Bearer {self.key(*arguments, **others)[1]}")

    def beside(self):
        """Access of another process on the same file, as far as SQLite can tell."""
        return Access.open(self.path, self.access.settings, lambda address: ROOFS.get(address, frozenset()))


def signature_of(account, text):
    return account.sign_message(encode_defunct(text=text)).signature.to_0x_hex()


@pytest.fixture(name="make_site")
def make_site_fixture(tmp_path):
    opened = []

    def make_site(limits=None, wallets=None, middlewares=()):
        clock = SetClock()
        settings = AccessSettings(PUBLIC_URL, CHAIN_ID, **({} if limits is None else {"limits": limits}))
        access = Access.open(
            tmp_path / "access.sqlite", settings, lambda address: ROOFS.get(address, frozenset()), wallets, clock
        )
        app = FastAPI()
        services = SimpleNamespace(access=access, public_url=PUBLIC_URL, notices=None, depot=None)
        app.state.services = services
        install_problems(app)
        for routes in (sessions_routes, keys_routes, audit_routes, owners_routes):
            app.include_router(routes(services))
        hold_routes_against_table(app)
        app.add_middleware(AuditMiddleware, access=access)
        for middleware in middlewares:
            app.add_middleware(middleware)
        server = serve(app, 0)
        site = Site(tmp_path, server.__enter__(), access, clock)
        opened.append((site, server))
        return site

    yield make_site
    for site, server in opened:
        for client in site.clients:
            client.close()
        server.__exit__(None, None, None)
        site.access.close()


@pytest.fixture(name="site")
def site_fixture(make_site):
    return make_site()


@pytest.fixture(name="alice")
def alice_fixture():
    return ALICE


@pytest.fixture(name="bob")
def bob_fixture():
    return BOB


@pytest.fixture(name="sign")
def sign_fixture():
    return signature_of


@pytest.fixture(name="refused")
def refused_fixture():
    """Check that an answer is a problem document of a status, and return what it says."""

    def refused(answer, status, slug):
        assert answer.status_code == status, answer.text
        assert answer.headers["content-type"] == "application/problem+json"
        document = answer.json()
        assert document["type"] == f"/problems/{slug}"
        assert document["status"] == status
        assert (status == 401) == ("www-authenticate" in answer.headers)
        assert (status == 429) == ("retry-after" in answer.headers)
        return document["detail"]

    return refused
