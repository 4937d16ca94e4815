"""A wallet for the demo alone: it has the keys of the demo's owners, signs whatever a page asks, and says so.

It speaks the JSON-RPC of browser wallets (EIP-1193 over HTTP), over any chain that the demo runs on: what the chain's node
cannot sign for, it signs itself.
"""

import json
import logging
import threading
from typing import TYPE_CHECKING, Any, Final

from eth_account.messages import encode_defunct
from eth_utils.address import is_address, to_checksum_address

from contracts.transaction import decode_revert, revert_bytes

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from eth_account.signers.local import LocalAccount
    from web3 import Web3

log = logging.getLogger(__name__)

# https://eips.ethereum.org/EIPS/eip-1193#provider-errors, https://www.jsonrpc.org/specification#error_object
UNAUTHORIZED: Final = 4100
UNSUPPORTED: Final = 4200
UNKNOWN_CHAIN: Final = 4902
INVALID_PARAMS: Final = -32602
INTERNAL: Final = -32603
REVERTED: Final = 3
SPARE_GAS_DIVISOR: Final = 5
"""A fifth of what was estimated is asked for on top."""


class WalletError(Exception):
    """What a wallet answers instead of a result."""

    def __init__(self, code: int, message: str, revert: bytes = b"") -> None:
        super().__init__(message)
        self.code = code
        self.revert = revert


class DemoWallet:
    """Keys of the demo's owners, behind one function. Safe to share between threads."""

    def __init__(self, connect: "Callable[[], Web3]", accounts: "Sequence[LocalAccount]") -> None:
        """Take the accounts, the one that pages get first in front."""
        self._connect = connect
        self._accounts = {account.address: account for account in accounts}
        self._sending = threading.Lock()
        self._connected: Web3 | None = None
        self._methods: Mapping[str, Callable[[list[Any]], Any]] = {
            "eth_requestAccounts": self._list,
            "eth_accounts": self._list,
            "eth_chainId": lambda _: hex(self._web3.eth.chain_id),
            "net_version": lambda _: str(self._web3.eth.chain_id),
            "eth_blockNumber": lambda _: hex(self._web3.eth.block_number),
            "eth_gasPrice": lambda _: hex(self._web3.eth.gas_price),
            "eth_getBalance": lambda params: hex(self._web3.eth.get_balance(_address(params))),
            "personal_sign": self._sign,
            "eth_signTypedData_v4": self._sign_typed,
            "eth_call": self._call,
            "eth_estimateGas": self._estimate,
            "eth_sendTransaction": self._send,
            "eth_getTransactionReceipt": self._receipt,
            "wallet_switchEthereumChain": self._switch,
        }

    @property
    def addresses(self) -> list[str]:
        """Its accounts, the first one in front."""
        return list(self._accounts)

    def request(self, method: str, params: list[Any]) -> Any:  # noqa: ANN401  every method has a result of its own
        """Do what a page asks.

        Raises:
            WalletError: it is not done, with the code that wallets give.

        """
        known = self._methods.get(method)
        if known is None:
            raise WalletError(UNSUPPORTED, f"the demo wallet does not know {method}")
        try:
            return known(params)
        except WalletError:
            raise
        except (IndexError, KeyError, TypeError, ValueError) as error:
            if revert := revert_bytes(error):
                raise WalletError(REVERTED, f"execution reverted: {decode_revert(revert)}", revert) from error
            raise WalletError(INVALID_PARAMS, f"{method}: {error}") from error
        except Exception as error:  # the chain's client raises what it likes
            if revert := revert_bytes(error):
                raise WalletError(REVERTED, f"execution reverted: {decode_revert(revert)}", revert) from error
            log.warning("demo wallet: %s: %s", method, error)
            raise WalletError(INTERNAL, f"{method}: the chain does not carry it out") from error

    @property
    def _web3(self) -> "Web3":
        if self._connected is None:
            self._connected = self._connect()
        return self._connected

    def _list(self, _params: list[Any]) -> list[str]:
        return self.addresses

    def _sign(self, params: list[Any]) -> str:
        """EIP-191: `[data, address]`; data as hex, or as text by wallets that are not strict."""
        given = str(params[0])
        message = encode_defunct(hexstr=given) if given.startswith("0x") else encode_defunct(text=given)
        return self._account(params[1]).sign_message(message).signature.to_0x_hex()

    def _sign_typed(self, params: list[Any]) -> str:
        """EIP-712: `[address, document]`; the document as JSON text or as it is."""
        document = json.loads(params[1]) if isinstance(params[1], str) else params[1]
        return self._account(params[0]).sign_typed_data(full_message=document).signature.to_0x_hex()

    def _call(self, params: list[Any]) -> str:
        return self._web3.eth.call(_request(params)).to_0x_hex()

    def _estimate(self, params: list[Any]) -> str:
        return hex(self._web3.eth.estimate_gas(_request(params)))

    def _send(self, params: list[Any]) -> str:
        """Sign a transaction and send it. Gas is estimated, so that one that would be refused is not sent."""
        asked = params[0]
        account = self._account(asked["from"])
        request = _request(params)
        with self._sending:  # one nonce after the other
            given = asked.get("gas")
            gas = int(given, 16) if given else self._gas(request)
            # The tip as it is suggested: nodes suggest what was paid before, so that more would add up.
            tip_wei = self._web3.eth.max_priority_fee
            base_wei = self._web3.eth.get_block("latest")["baseFeePerGas"]
            transaction = {
                "chainId": self._web3.eth.chain_id,
                "to": request["to"],
                "data": request["data"],
                "value": request["value"],
                "gas": gas,
                "maxPriorityFeePerGas": tip_wei,
                "maxFeePerGas": 2 * base_wei + tip_wei,
                "nonce": self._web3.eth.get_transaction_count(account.address, "pending"),
            }
            signed = account.sign_transaction(transaction)
            return self._web3.eth.send_raw_transaction(signed.raw_transaction).to_0x_hex()

    def _gas(self, request: Any) -> int:  # noqa: ANN401  as web3 wants it
        estimate = self._web3.eth.estimate_gas(request)
        return estimate + estimate // SPARE_GAS_DIVISOR

    def _receipt(self, params: list[Any]) -> dict[str, Any] | None:
        from web3.exceptions import TransactionNotFound  # noqa: PLC0415  slow to import

        try:
            found = self._web3.eth.get_transaction_receipt(params[0])
        except TransactionNotFound:
            return None
        return {
            "transactionHash": found["transactionHash"].to_0x_hex(),
            "blockHash": found["blockHash"].to_0x_hex(),
            "blockNumber": hex(found["blockNumber"]),
            "status": hex(found["status"]),
            "gasUsed": hex(found["gasUsed"]),
            "from": found["from"],
            "to": found["to"],
            "logs": [],
        }

    def _switch(self, params: list[Any]) -> None:
        if int(params[0]["chainId"], 16) != self._web3.eth.chain_id:
            raise WalletError(UNKNOWN_CHAIN, "the demo wallet knows the demo's chain only")

    def _account(self, address: object) -> "LocalAccount":
        known = self._accounts.get(to_checksum_address(str(address))) if is_address(address) else None
        if known is None:
            raise WalletError(UNAUTHORIZED, f"the demo wallet has no account {address}")
        return known


def _address(params: list[Any]) -> Any:  # noqa: ANN401  as web3 wants it
    return to_checksum_address(params[0])


def _request(params: list[Any]) -> Any:  # noqa: ANN401  as web3 wants it
    """A call as the page gave it, checked."""
    asked = params[0]
    value = asked.get("value") or "0x0"
    return {
        "from": to_checksum_address(asked["from"]),
        "to": to_checksum_address(asked["to"]),
        "data": asked.get("data") or asked.get("input") or "0x",
        "value": int(value, 16),
    }
