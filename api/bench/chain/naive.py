"""The contract that is compared with: contracts/peer/NaiveEnergyToken.sol, one transaction per asset and interval."""

from collections.abc import Sequence

from coincurve import PrivateKey
from web3 import Web3
from web3.contract import Contract

from api.bench.chain.anvil import Anvil
from api.bench.chain.fleet import HOUR_S, Plant
from contracts.state import to_bytes32
from oracle.attestation.signature import address_of, sign_digest
from oracle.reporting.abi import abi_bytes
from oracle.reporting.keccak import keccak256
from oracle.reporting.report import DOMAIN_TYPE

INTERVAL_TYPE = (
    "Interval(bytes32 assetId,uint64 start,uint32 month,uint64 energyWh,uint64 creditsG,uint64 revenueMinor)"
)
INTERVAL_ABI = ("bytes32", "uint64", "uint32", "uint64", "uint64", "uint64")
SELECTOR = Web3.keccak(text="post((bytes32,uint64,uint32,uint64,uint64,uint64),bytes)")[:4]
SERVER = keccak256(b"the server of the naive contract")
NAME, VERSION = "NaiveEnergyToken", "1"
ROLE = keccak256(b"ORACLE")
SHARES = 1_000_000
BLOCK_POSTS = 140
"""Posts a block: the first of an asset takes 150 000 gas, and a block holds 30 million."""


def server() -> str:
    """Account of the key that signs."""
    return address_of(PrivateKey(SERVER).public_key)


class Naive:
    """The server of the naive contract."""

    def __init__(self, anvil: Anvil, token: Contract) -> None:
        self._anvil = anvil
        self._token = token
        self._separator = keccak256(
            abi_bytes(
                ("bytes32", "bytes32", "bytes32", "uint256", "address"),
                (
                    keccak256(DOMAIN_TYPE.encode()),
                    keccak256(NAME.encode()),
                    keccak256(VERSION.encode()),
                    anvil.chain_id,
                    token.address,
                ),
            )
        )

    @property
    def token(self) -> Contract:
        """The contract."""
        return self._token

    def enlist(self, plants: Sequence[Plant], holders: Sequence[str]) -> None:
        """Let the server post, verify accounts, and list plants whose shares the first of them has."""
        self._anvil.transact(self._token, "grantRole", [ROLE, server()])
        for holder in holders:
            self._anvil.transact(self._token, "setVerified", [holder, True])
        for plant in plants:
            names = [to_bytes32(plant.asset_id), to_bytes32(plant.project_id)]
            self._anvil.transact(self._token, "addAsset", [*names, plant.owner, holders[0], SHARES])

    def post_hour(self, plants: Sequence[Plant], day: int, hour: int, midnight_s: int, month: int) -> list[int]:
        """Post one hour of every plant; return the gas of each transaction."""
        start_s = midnight_s + hour * HOUR_S
        sent = [
            {"to": self._token.address, "data": "0x" + self._post(plant, day, hour, start_s, month).hex()}
            for plant in plants
        ]
        gas: list[int] = []
        for at in range(0, len(sent), BLOCK_POSTS):
            time_s = start_s + HOUR_S + 10 + at // BLOCK_POSTS
            gas += self._anvil.send_block(sent[at : at + BLOCK_POSTS], time_s)
        return gas

    def post_one(self, plant: Plant, day: int, hour: int, midnight_s: int, month: int) -> str:
        """Post one hour of one plant; return the transaction's hash."""
        start_s = midnight_s + hour * HOUR_S
        self._anvil.at(start_s + HOUR_S + 10)
        sent: str = self._anvil.send(self._token, "post", self._post(plant, day, hour, start_s, month))[
            "transactionHash"
        ]
        return sent

    def _post(self, plant: Plant, day: int, hour: int, start_s: int, month: int) -> bytes:
        amount = plant.hour(day, hour)
        fields = (
            to_bytes32(plant.asset_id), start_s, month, amount.energy_wh, amount.credits_g, amount.revenue_minor,
        )  # fmt: skip
        struct_hash = keccak256(abi_bytes(("bytes32", *INTERVAL_ABI), (keccak256(INTERVAL_TYPE.encode()), *fields)))
        signature = sign_digest(SERVER, keccak256(b"\x19\x01" + self._separator + struct_hash))
        return bytes(SELECTOR) + abi_bytes((f"({','.join(INTERVAL_ABI)})", "bytes"), (fields, signature))
