"""A whole settled world behind the real application: two plants of two owners, credits retired, every part in its place."""

import hashlib
import itertools
import secrets
import time
from contextlib import contextmanager

import httpx
from eth_account import Account
from eth_account.messages import encode_defunct

from api.access.keys import scopes_of
from api.access.limits import NO_LIMITS
from api.access.principal import Role
from api.app import create_app
from api.assembly import Site, assembled
from api.demo.world import NETWORK
from api.instants import write_instant
from api.notices.telemetry import TelemetryBridge
from api.server import serve
from contracts.address_book import connect
from contracts.state import credit_id, to_bytes32
from contracts.transaction import send
from tests.support.authorisation_table import Row

PUBLIC_URL = "http://sun.example"
ABSENT = {
    "asset_id": "no-such-roof",
    "key_id": "0" * 12,
    "webhook_id": "wh_" + "0" * 20,
    "address": "0x000000000000000000000000000000000000dEaD",
}
DEADLINE_S = 60
HOUR_MS = 3_600_000
SEQUENCE = "application/cbor-seq"


class AuthorisedSite:
    """The server, and whoever calls it."""

    def __init__(self, system, services, app, address):
        self.world, self.services, self.app, self.address = system.world, services, app, address
        self.access = services.access
        self.span = system.span
        plants = {plant.asset_id: plant for plant in system.world.plants}
        registry = system.world.nodes[0].journal.last_report().registry
        self.plant, self.others_plant = plants["liuyang-village-1"], plants["shamshuipo-rooftop-1"]
        self.project = self.plant.project_id
        backend = system.world.chain.connect().provider.ethereum_tester.backend
        accounts = {
            key.public_key.to_checksum_address(): Account.from_key(key.to_bytes()) for key in backend.account_keys
        }
        self.owner, self.other = (
            accounts[registry.assets[plant.asset_id].beneficiary] for plant in (self.plant, self.others_plant)
        )
        self.accounts = list(accounts.values())
        self.client = httpx.Client(base_url=address, trust_env=False, timeout=60)
        self._numbers = itertools.count(1)
        self._retire()

    def _retire(self):
        web3, book = self.world.chain.connect(), self.world.book
        (statement,) = (
            one for one in self.world.nodes[0].journal.last_report().statements if one.asset_id == self.plant.asset_id
        )
        self.vintage, self.credit_id = statement.vintage, credit_id(self.project, statement.vintage)
        credit, owner = connect(web3, book, "CarbonCredit"), self.owner.address
        send(web3, owner, credit.functions.draw(to_bytes32(self.plant.asset_id), self.vintage, 500, owner), "draw")
        note = (owner, bytes(32), "A Village School", "our roof")
        receipt = send(web3, owner, credit.functions.retire(self.credit_id, 100, note), "retire")
        self.transaction_hash = "0x" + bytes(receipt["transactionHash"]).hex()
        admin = web3.eth.accounts[0]
        send(web3, admin, connect(web3, book, "HKDStablecoin").functions.mint(owner, 10**9), "mint")

    def wait_shown(self):
        """Wait until the projection shows all that happened."""
        until = time.monotonic() + DEADLINE_S
        operator = self.key()
        while time.monotonic() < until:
            shown = self.call("GET", "/v1/retirements").json()["items"]
            made = self.call("GET", f"/v1/assets/{self.plant.asset_id}", operator).json()
            if shown and made.get("minted_wh") and made.get("attested_wh"):
                self.start = self._attested_start(operator)
                return
            time.sleep(0.1)
        raise AssertionError(self.call("GET", "/v1/status").text)

    def _attested_start(self, operator):
        rows = self.call("GET", f"/v1/assets/{self.plant.asset_id}/production?per=interval&limit=1000", operator)
        return next(row["start"] for row in rows.json()["items"] if row["attested_wh"])

    # --- credentials -------------------------------------------------------------------------------------------------

    def sign_in(self, account):
        message = self.client.post("/v1/sessions/nonce", json={"address": account.address}).json()["message"]
        return {"message": message, "signature": self.signature(account, message), "keep": "token"}

    @staticmethod
    def signature(account, message):
        return account.sign_message(encode_defunct(text=message)).signature.to_0x_hex()

    def session(self, account, *, ended_ms=0):
        """Token of a session as signing in opens it, without the wallet; ended some time ago on demand."""
        now_ms = self.access.now_ms() - ended_ms
        opened_ms, ends_ms = (now_ms - HOUR_MS, now_ms) if ended_ms else (now_ms, now_ms + HOUR_MS)
        _, token = self.access.sessions.open(account.address, secrets.token_hex(8), ends_ms, opened_ms, ends_ms)
        return token

    def key(self, role=Role.OPERATOR, scopes=None, **others):
        named = {"role": role, "scopes": scopes or scopes_of(role), "label": "a test", "now_ms": self.access.now_ms()}
        _, token = self.access.keys.make(**(named | others))
        return token

    # --- requests ----------------------------------------------------------------------------------------------------

    def call(self, method, path, token=None, **parts):
        headers = parts.pop("headers", {}) | ({"authorization": f"Bearer {token}"} if token else {})
        return self.client.request(method, path, headers=headers, **parts)

    def ask(self, row: Row, names: dict, token=None, **parts):
        """Send a row's request about some names."""
        method, path, body = self.request_of(row, names)
        headers = body.pop("headers", {}) | parts.pop("headers", {})
        return self.call(method, path, token, headers=headers, **body, **parts)

    def names(self, account):
        """Names of things that belong to an account, each freshly made where the request uses it up."""
        mine = account is self.owner
        plant = self.plant if mine else self.others_plant
        content = f"deed {next(self._numbers)} of {plant.asset_id}".encode()
        kept = f"deed of {plant.asset_id}".encode()
        return {
            "asset_id": plant.asset_id,
            "meter_id": plant.meter.id,
            "address": account.address,
            "content": content,
            "new_sha256": hashlib.sha256(content).hexdigest(),
            "sha256": hashlib.sha256(kept).hexdigest(),
            "epoch": 1,
            "number": 1,
            "credit_id": self.credit_id,
            "transaction_hash": self.transaction_hash,
            "start": self.start,
            "key_id": None,
            "webhook_id": None,
        }

    def with_things(self, row: Row, names: dict, account):
        """Make the key or webhook that a row's path names."""
        if "{key_id}" in row.path:
            made, _ = self.access.keys.make(
                role=Role.OWNER, scopes=frozenset({"read"}), label="", now_ms=self.access.now_ms(),
                address=account.address,
            )  # fmt: skip
            return names | {"key_id": made.key_id}
        if "{webhook_id}" in row.path:
            wish = {"url": "http://127.0.0.1:9/", "kinds": ["mint"]}
            made = self.call("POST", "/v1/webhooks", self.session(account), json=wish)
            assert made.status_code == 201, made.text
            return names | {"webhook_id": made.json()["webhook_id"]}
        return names

    def hand_in_documents(self):
        operator = self.key()
        for account in (self.owner, self.other):
            names = self.names(account)
            content = f"deed of {names['asset_id']}".encode()
            path = f"/v1/assets/{names['asset_id']}/documents/{names['sha256']}"
            answer = self.call("PUT", path, operator, content=content, headers={"content-type": "text/plain"})
            assert answer.status_code == 201, answer.text

    def request_of(self, row: Row, names: dict):
        """Method, path with query, and what else httpx takes, of a request that would succeed for whoever may."""
        fresh = {"sha256": names["new_sha256"]} if row.operation == "document_put" else {}
        path = row.path.format(**names | fresh)
        day = self.start[:10]
        hour = {"from": self.start, "to": write_instant((self.span.cutoff_s) * 1000)}
        asset = names["asset_id"]
        key = {"device_id": "dev-new", "thumbprint": "0x" + "5a" * 32, "baseline_wh": 1_000, "baseline_at": self.start}
        parts = {
            "session_open": lambda: {"json": self.sign_in(self.owner)},
            "keys_create": lambda: {"json": {"scopes": ["keys"], "label": "another"}},
            "owner_put": lambda: {"json": {"name": "A Village School", "language": "zh-Hans"}},
            "readings": lambda: {"params": hour},
            "power": lambda: {"params": {"day": day}},
            "explanation": lambda: {"params": {"from": self.start, "to": self._hour_after(self.start)}},
            "evidence_release": lambda: {"json": {"released": False}},
            "document_put": lambda: {"content": names["content"], "headers": {"content-type": "text/plain"}},
            "asset_register": lambda: {
                "json": {
                    "asset_id": "roof-new", "project_id": self.project, "beneficiary": self.owner.address,
                    "nameplate_w": 10_000, "commissioned_at": self.start, "utc_offset_s": 28_800,
                }
            },
            "asset_commission": lambda: {"json": {"commissioned_at": self.start}},
            "meter_add": lambda: {"json": key | {"meter_id": "met-new", "nameplate_w": 5_000}},
            "meter_key_rotate": lambda: {"json": key | {"revoked_boot": 9, "revoked_sequence": 0}},
            "meter_key_revoke": lambda: {"params": {"boot": "9", "sequence": "0"}},
            "holdings": lambda: {"params": {"address": names["address"]}},
            "entitlement": lambda: {"params": {"address": names["address"]}},
            "credit_retire": lambda: {"json": {"project_id": self.project, "vintage": self.vintage, "grams": 1}},
            "credit_draw": lambda: {"json": {"asset_id": asset, "vintage": self.vintage, "grams": 1}},
            "deposits": lambda: {"params": {"asset_id": asset}},
            "claims": lambda: {"params": {"asset_id": asset}},
            "revenue_claim": lambda: {"json": {}},
            "revenue_deposit": lambda: {"json": {"asset_id": asset, "month": self.month, "minor": 1_000}},
            "share_permit": lambda: {"json": {"asset_id": asset, "spender": self.other.address, "units": 1}},
            "events": lambda: {"params": {"format": "json", "asset_id": asset}},
            "webhook_create": lambda: {
                "json": {"url": "http://127.0.0.1:9/", "kinds": ["mint"], "asset_ids": [asset]}
            },
            "telemetry": lambda: {"content": self.envelopes, "headers": {"content-type": SEQUENCE}},
        }  # fmt: skip
        return row.method, path, parts.get(row.operation, dict)()

    @property
    def month(self):
        return int(write_instant(self.span.until_ms)[:7].replace("-", ""))

    @staticmethod
    def _hour_after(start):
        return start[:11] + f"{(int(start[11:13]) + 1) % 24:02d}" + start[13:]

    def sign_envelopes(self):
        """Envelopes of the plant's next minutes, which no node has."""
        readings = self.plant.source.between(self.span.until_ms, self.span.until_ms + 600_000)
        signed = self.world.signers[self.plant.device_id].sign_in_batches(readings, 12)
        self.envelopes = b"".join(envelope.wire for envelope in signed)


@contextmanager
def authorised_site(folder, system):
    """Serve a settled system (see tests/integration/conftest.py) with every part of the application."""
    world = system.world
    keys = {node.name: node.keyring.ack_key.public for node in world.nodes}
    bridge = TelemetryBridge("http-1", NETWORK, system.broker_url, keys, 3)
    bridge.start()
    site = Site(
        network=NETWORK, journal=world.folder / "node-1" / "journal.sqlite", connect=world.chain.connect,
        book=world.book, finality="latest", rules=world.rules, state=folder / "api", public_url=PUBLIC_URL,
        limits=NO_LIMITS, idle_s=0.1, allow_private_targets=True,
    )  # fmt: skip
    try:
        with assembled(site, telemetry=bridge) as services:
            app = create_app(services)
            with serve(app, 0) as address:
                served = AuthorisedSite(system, services, app, address)
                try:
                    served.wait_shown()
                    served.hand_in_documents()
                    served.sign_envelopes()
                    yield served
                finally:
                    served.client.close()
    finally:
        bridge.close()
