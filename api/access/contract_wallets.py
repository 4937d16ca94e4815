"""Accounts that are contracts: their own code says which signatures are theirs (EIP-1271)."""

from collections.abc import Callable
from typing import TYPE_CHECKING

from eth_abi.abi import encode
from eth_utils.address import to_checksum_address

from oracle.errors import ChainError

if TYPE_CHECKING:
    from web3 import Web3

IS_VALID_SIGNATURE = bytes.fromhex("1626ba7e")
"""Selector of isValidSignature(bytes32,bytes), and what it returns for a signature that is valid."""
MOST_SIGNATURE = 4096
"""Longer ones are not asked about [bytes]."""
GAS = 1_000_000
"""What the contract may use to make up its mind."""


class ContractWalletsOnChain:
    """Asks by eth_call, which changes nothing and costs nothing."""

    def __init__(self, connect: Callable[[], "Web3"]) -> None:
        """Take what connects to the chain; it is called with the first question."""
        self._connect = connect
        self._web3: Web3 | None = None

    def accepts(self, address: str, digest: bytes, signature: bytes) -> bool:
        """Ask an account's contract whether it accepts a signature.

        An account without code accepts none, nor does a contract that reverts or answers anything but the magic value.

        Raises:
            ChainError: the chain does not answer.

        """
        from web3.exceptions import ContractLogicError, Web3RPCError  # noqa: PLC0415  takes a second to import

        if len(signature) > MOST_SIGNATURE:
            return False
        account = to_checksum_address(address)
        try:
            if self._web3 is None:
                self._web3 = self._connect()
            if not self._web3.eth.get_code(account):
                return False
            asked = IS_VALID_SIGNATURE + encode(["bytes32", "bytes"], [digest, signature])
            told = bytes(self._web3.eth.call({"to": account, "data": "0x" + asked.hex(), "gas": GAS}))  # type: ignore[typeddict-item]
        except (ContractLogicError, Web3RPCError):
            return False
        except ChainError:
            raise
        except Exception as error:
            if type(error).__name__ in {
                "TransactionFailed",
                "OutOfGas",
            }:  # eth-tester's own, which web3 does not translate
                return False
            raise ChainError(
                "the chain does not answer, and only the account's contract can say whose signature this is"
            ) from error
        return told == IS_VALID_SIGNATURE.ljust(32, b"\0")
