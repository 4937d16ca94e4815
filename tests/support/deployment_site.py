"""A development chain and a configuration to deploy there, for tests of `heliograph deploy`."""

import json
import signal
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from click.testing import CliRunner
from eth_account import Account
from web3 import Web3

from api.cli import heliograph
from contracts.deterministic import PROXY
from contracts.state import Role
from tests.support.contract_deployment import NODES

DEPLOYER = Account.from_key("0xac0974bec39a17e36ba4a6b4d238ff944bacb478cbed5efcae784d7bf4f2ff80")
"""anvil's first account: its key is in anvil's manual."""
PERSONS = {role: Account.from_key(bytes([100 + role]) * 32).address for role in Role if role is not Role.SETTLER}
DELAYS_S = {Role.ADMIN: 172_800, Role.TRUSTEE: 604_800, Role.SIGNER_ADMIN: 86_400}
REPOSITORY = Path(__file__).parents[2]


@dataclass
class DeploymentSite:
    """A folder with a configuration, and the chain that it names."""

    folder: Path
    web3: Web3

    @property
    def config(self):
        return self.folder / "deploy.toml"

    @property
    def book(self):
        return self.folder / "address-book.json"

    def write(self, *, roles=PERSONS, delays_s=DELAYS_S, **changes):
        """Write the configuration; `changes` replace what a key says."""
        named = {
            "rpc_url": self.web3.provider.endpoint_uri,
            "chain_id": 31337,
            "address": DEPLOYER.address,
            "key": "deployer.hex",
            "salt": "test",
            "currency": "test",
            "address_book": "address-book.json",
            "signers": [node.address for node in NODES],
            "threshold": 3,
            "activation_delay_s": 3600,
        } | changes
        sections = {
            "chain": ("rpc_url", "chain_id"),
            "deployer": ("address", "key"),
            "deployment": ("salt", "currency", "address_book"),
            "oracle": ("signers", "threshold", "activation_delay_s"),
        }
        text = ""
        for section, keys in sections.items():
            lines = [f"{key} = {json.dumps(named[key])}" for key in keys if named[key] is not None]
            text += "\n".join([f"[{section}]", *lines, ""])
        for role, account in roles.items():
            text += (
                f'[[role]]\nname = "{role.name.lower()}"\naccount = "{account}"\ndelay_s = {delays_s.get(role, 0)}\n'
            )
        self.config.write_text(text)
        key = self.folder / "deployer.hex"
        key.write_text(DEPLOYER.key.hex())
        key.chmod(0o600)

    def command(self, *options):
        return [sys.executable, "-m", "api.cli", "deploy", "--config", str(self.config), *options]

    def start(self, *options):
        """The command as a process of its own, not waited for."""
        return subprocess.Popen(
            self.command(*options), cwd=REPOSITORY, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )

    def call(self, *options, **variables):
        """The command, to its end, in this process."""
        handlers = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)}
        try:
            return CliRunner().invoke(heliograph, self.command(*options)[3:], env=variables)
        finally:
            for number, handler in handlers.items():
                signal.signal(number, handler)

    def sent(self):
        """How many transactions of the deployer are in blocks."""
        return self.web3.eth.get_transaction_count(DEPLOYER.address)

    def ask(self, method, *arguments):
        """Ask the node for what only development chains do."""
        answer = self.web3.provider.make_request(method, list(arguments))
        assert "error" not in answer, answer
        return answer["result"]

    def take_proxy_away(self):
        """Make the chain one that nobody has put the deployment proxy on."""
        self.ask("anvil_setCode", PROXY, "0x")
