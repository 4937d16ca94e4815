"""The configuration file of a deployment."""

import os
from pathlib import Path
from typing import Annotated, Literal, Self

from eth_account.signers.local import LocalAccount
from eth_utils.address import is_checksum_address, to_checksum_address
from pydantic import AfterValidator, Field, field_validator, model_validator

from api.configuration.account_key import account_of, read_account
from api.configuration.node import RPC_URL_VARIABLE
from api.configuration.settings import LogSettings, PathInFile, Section, check_files
from contracts.address_book import AddressBook
from contracts.plan import Plan
from contracts.roles import Grant
from contracts.state import Role
from oracle.attestation.signer_set import threshold_for_minting
from oracle.config import read_toml
from oracle.errors import ConfigError

KEY_VARIABLE = "HELIOGRAPH_DEPLOYER_KEY"
"""Environment variable that holds the deployer's private key (hex), in place of a file."""
LONGEST_DELAY_S = 366 * 86_400
MOST_SIGNERS = 255
"""The oracle takes no more."""

EXAMPLE = """\
# A deployment of the Heliograph contracts. Relative paths start at this file's folder.
# The same file gives the same addresses, so that a deployment that was broken off goes on when it is called again.

[chain]
rpc_url = "http://127.0.0.1:8545"      # a URL with a key in it goes into HELIOGRAPH_RPC_URL instead
chain_id = 31337                       # of the chain that is meant; on another one nothing is sent
# from_block = 0                       # older blocks have nothing of this deployment; some nodes search no long ranges

[deployer]
address = "0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed"   # sends and pays for everything, administrator until the end
key = "keys/deployer.hex"              # its private key (hex); or HELIOGRAPH_DEPLOYER_KEY

[deployment]
salt = "production-1"                  # another salt, another set of contracts
currency = "test"                      # deploys one backed by nothing; else the address of an ERC-20 with 6 decimals
address_book = "address-book.json"     # written at the end

[oracle]
signers = [                            # report keys of the nodes: heliograph enrol node prints them
  "0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed",
  "0xfB6916095ca1df60bB79Ce92cE3Ea74c37c5d359",
  "0xdbF03B407c01E7cD3CBea99509d93f8DDDC8C6FB",
  "0xD1220A0cf47c7B9Be7A2E6BA89F429762e7b9aDb",
]
threshold = 3                          # signatures a report needs: at least two thirds
activation_delay_s = 3600              # how long a guardian may disable a report before it can be settled; fixed for good

# Who gets which role. delay_s: how long a call is public before it can be carried out. A role may be given to several
# accounts, or to none: then the administrator gives it later. What each may do: contracts/README.md.

[[role]]
name = "admin"                         # the deployer gives its own up, unless it is named here
account = "0xfB6916095ca1df60bB79Ce92cE3Ea74c37c5d359"
delay_s = 172800

[[role]]
name = "guardian"                      # disables pending reports, pauses, cancels calls that wait; never delayed
account = "0xdbF03B407c01E7cD3CBea99509d93f8DDDC8C6FB"

[[role]]
name = "registrar"                     # projects, assets, meter lists
account = "0xD1220A0cf47c7B9Be7A2E6BA89F429762e7b9aDb"
delay_s = 3600

[[role]]
name = "identity_issuer"               # verifies who may hold shares
account = "0xD1220A0cf47c7B9Be7A2E6BA89F429762e7b9aDb"

[[role]]
name = "share_issuer"                  # issues the share of an asset, once
account = "0xfB6916095ca1df60bB79Ce92cE3Ea74c37c5d359"
delay_s = 3600

[[role]]
name = "enforcer"                      # freezes, forces a transfer, recovers a lost account, with a reason
account = "0xfB6916095ca1df60bB79Ce92cE3Ea74c37c5d359"
delay_s = 3600

[[role]]
name = "trustee"                       # writes a receivable down; always delayed
account = "0xdbF03B407c01E7cD3CBea99509d93f8DDDC8C6FB"
delay_s = 604800

[[role]]
name = "buffer_keeper"                 # cancels credits of the buffer for what was reversed
account = "0xfB6916095ca1df60bB79Ce92cE3Ea74c37c5d359"

[[role]]
name = "signer_admin"                  # replaces the nodes' report keys
account = "0xfB6916095ca1df60bB79Ce92cE3Ea74c37c5d359"
delay_s = 172800

[log]
format = "text"                        # or "json"
level = "info"
"""


def _checksummed(address: str) -> str:
    if not is_checksum_address(address):
        raise ValueError(f"{address!r} is no checksummed address")
    return address


Address = Annotated[str, AfterValidator(_checksummed)]


class ChainOfDeployment(Section):
    """`[chain]`."""

    rpc_url: str = Field(pattern=r"^https?://[^\s]+$")
    chain_id: int = Field(ge=1, lt=2**64)
    from_block: int = Field(default=0, ge=0)

    def url(self) -> str:
        """Where the chain answers; the environment goes before the file."""
        return os.environ.get(RPC_URL_VARIABLE, self.rpc_url)


class DeployerSettings(Section):
    """`[deployer]`."""

    address: Address
    key: PathInFile | None = None

    def key_files(self) -> list[Path]:
        """The file that is needed, if one is."""
        return [] if KEY_VARIABLE in os.environ or self.key is None else [self.key]

    def load_account(self) -> LocalAccount:
        """Read the key; the environment goes before the file.

        Raises:
            ConfigError: there is none, it cannot be read, or it is not that of `address`.

        """
        if KEY_VARIABLE in os.environ:
            where, account = KEY_VARIABLE, account_of(os.environ[KEY_VARIABLE], KEY_VARIABLE)
        elif self.key is not None:
            where, account = str(self.key), read_account(self.key)
        else:
            raise ConfigError(f"[deployer] names no key, and {KEY_VARIABLE} is not set")
        if account.address != self.address:
            raise ConfigError(f"{where}: is the key of {account.address}, and [deployer] names {self.address}")
        return account


class DeploymentSettings(Section):
    """`[deployment]`."""

    salt: str = Field(min_length=1, max_length=64)
    currency: Literal["test"] | Address
    address_book: PathInFile


class OracleOfDeployment(Section):
    """`[oracle]`."""

    signers: tuple[Address, ...] = Field(min_length=1, max_length=MOST_SIGNERS)
    threshold: int = Field(ge=1)
    activation_delay_s: int = Field(ge=0, le=LONGEST_DELAY_S)

    @model_validator(mode="after")
    def _quorum(self) -> "OracleOfDeployment":
        if len(set(self.signers)) != len(self.signers):
            raise ValueError("a signer is there more than once")
        if not threshold_for_minting(len(self.signers)) <= self.threshold <= len(self.signers):
            raise ValueError(
                f"threshold {self.threshold} is not between two thirds and all of {len(self.signers)} signers"
            )
        return self


class RoleEntry(Section):
    """One `[[role]]`."""

    name: Role
    account: Address
    delay_s: int = Field(default=0, ge=0, le=LONGEST_DELAY_S)

    @field_validator("name", mode="before")
    @classmethod
    def _named(cls, name: object) -> object:
        known = {role.name.lower(): role for role in Role if role is not Role.SETTLER}
        if not isinstance(name, str) or name not in known:
            raise ValueError(f"{name!r} is not one of {', '.join(known)}")
        return known[name]

    @model_validator(mode="after")
    def _fitting(self) -> "RoleEntry":
        if self.name is Role.TRUSTEE and self.delay_s == 0:
            raise ValueError("a trustee writes down through a timelock: give delay_s")
        if self.name is Role.GUARDIAN and self.delay_s != 0:
            raise ValueError("a guardian that waits guards nothing: leave delay_s out")
        return self


class DeployConfig(Section):
    """A deployment's whole file."""

    chain: ChainOfDeployment
    deployer: DeployerSettings
    deployment: DeploymentSettings
    oracle: OracleOfDeployment
    role: tuple[RoleEntry, ...]
    log: LogSettings = LogSettings()

    @model_validator(mode="after")
    def _roles(self) -> "DeployConfig":
        if Role.ADMIN not in {entry.name for entry in self.role}:
            raise ValueError('there is no [[role]] with name = "admin"')
        pairs = [(entry.name, entry.account) for entry in self.role]
        if repeated := [pair for pair in pairs if pairs.count(pair) > 1]:
            name, account = repeated[0]
            raise ValueError(f"role {name.name.lower()} is given to {account} more than once")
        return self

    @classmethod
    def load(cls, path: Path) -> Self:
        """Read the file.

        Raises:
            ConfigError: it cannot be read or a key is wrong; the message names the place.

        """
        return read_toml(path, cls)

    def check(self) -> list[str]:
        """Read every file that it names and that is there, and return the names of the others. No network.

        Raises:
            ConfigError: a file that is there cannot be used, or the key is not the deployer's.

        """
        self.known_book()
        return check_files([(self.deployer.key_files(), self.deployer.load_account)])

    def plan(self) -> Plan:
        """What is to be deployed."""
        test = self.deployment.currency == "test"
        return Plan(
            chain_id=self.chain.chain_id,
            deployer=to_checksum_address(self.deployer.address),
            signers=self.oracle.signers,
            threshold=self.oracle.threshold,
            activation_delay_s=self.oracle.activation_delay_s,
            salt=self.deployment.salt,
            grants=tuple(Grant(entry.name, to_checksum_address(entry.account), entry.delay_s) for entry in self.role),
            currency=None if test else to_checksum_address(self.deployment.currency),
        )

    def known_book(self) -> AddressBook | None:
        """The address book that an earlier call wrote, None if there is none.

        Raises:
            ConfigError: the file cannot be read, or is the book of another deployment.

        """
        path = self.deployment.address_book
        if not path.exists():
            return None
        try:
            book = AddressBook.from_json(path.read_text(encoding="utf-8"))
        except OSError as error:
            raise ConfigError(f"{path}: cannot be read: {error.strerror}") from error
        except ValueError as error:
            raise ConfigError(f"{path}: {error}; move it away") from error
        planned = self.plan().book(book.block)
        if book.chain_id != planned.chain_id:
            raise ConfigError(f"{path}: is of chain {book.chain_id}, this deployment of chain {planned.chain_id}")
        if differing := sorted(name for name, at in planned.addresses.items() if book.addresses.get(name) != at):
            raise ConfigError(
                f"{path}: has {differing[0]} elsewhere: signers, threshold, delay, deployer, salt or release are not those"
                " it was deployed with; name another address_book for another deployment"
            )
        return book


class KeylessConfig(DeployConfig):
    """A file for a call that sends nothing: it needs no key."""

    def check(self) -> list[str]:
        """As above, without the key."""
        self.known_book()
        return []
