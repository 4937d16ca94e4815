"""What a chain node tells of a block, as a proof shows it: header, receipts and storage, each led to the block's hash."""

from collections.abc import Collection, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import rlp  # type: ignore[import-untyped]
from trie.hexary import HexaryTrie
from web3.types import RPCEndpoint

from oracle.attestation.block import ProvenBlock, ProvenReceipt, ProvenSlot, ProvenStorage, check_block
from oracle.errors import ChainError, ReportError
from oracle.reporting.keccak import keccak256

if TYPE_CHECKING:
    from web3 import Web3

HEADER = (
    "parentHash", "sha3Uncles", "miner", "stateRoot", "transactionsRoot", "receiptsRoot", "logsBloom", "difficulty",
    "number", "gasLimit", "gasUsed", "timestamp", "extraData", "mixHash", "nonce",
)  # fmt: skip
HEADER_SINCE = (
    "baseFeePerGas",  # London (EIP-1559)
    "withdrawalsRoot",  # Shanghai (EIP-4895)
    "blobGasUsed",  # Cancun (EIP-4844)
    "excessBlobGas",
    "parentBeaconBlockRoot",  # Cancun (EIP-4788)
    "requestsHash",  # Prague (EIP-7685)
)
"""Members of a header that came with later versions of the protocol, in their order."""
NUMBERS = frozenset(
    {"difficulty", "number", "gasLimit", "gasUsed", "timestamp", "baseFeePerGas", "blobGasUsed", "excessBlobGas"}
)
SHORTEST_HASHED = 32
"""A shorter node of a trie stands in the node above it."""


def prove_block(
    web3: "Web3", number: int, transactions: Collection[int] = (), storage: Mapping[str, Sequence[bytes]] | None = None
) -> ProvenBlock:
    """Show a block with the receipts of some transactions, and slots of contracts.

    Raises:
        ChainError: the node does not answer, or what it answers does not lead to the block's hash.

    """
    block = _ask(web3, "eth_getBlockByNumber", hex(number), False)  # noqa: FBT003  without its transactions
    proven = ProvenBlock(
        block_hash=_bytes(block["hash"]),
        header=_header(block),
        receipts=_receipts(web3, number, sorted(transactions)) if transactions else (),
        storage=tuple(_storage(web3, number, contract, slots) for contract, slots in sorted((storage or {}).items())),
    )
    try:
        check_block(proven)
    except ReportError as error:
        raise ChainError(f"block {number}, as the chain node tells it, cannot be proven: {error}") from error
    return proven


def _ask(web3: "Web3", method: str, *arguments: object) -> Any:  # noqa: ANN401  JSON has no narrower type
    try:
        answer = web3.provider.make_request(RPCEndpoint(method), list(arguments))
    except Exception as error:
        raise ChainError(f"the chain node does not answer {method}: {error}") from error
    if answer.get("result") is None:
        reason = answer.get("error", "nothing")
        raise ChainError(f"the chain node does not answer {method}, which proofs of credits need: {reason}")
    return answer["result"]


def _bytes(text: str) -> bytes:
    return bytes.fromhex(text.removeprefix("0x"))


def _number(text: str) -> bytes:
    return int(text, 16).to_bytes((int(text, 16).bit_length() + 7) // 8)


def _header(block: Mapping[str, Any]) -> bytes:
    names = [*HEADER, *(name for name in HEADER_SINCE if block.get(name) is not None)]
    encoded: bytes = rlp.encode([_number(block[name]) if name in NUMBERS else _bytes(block[name]) for name in names])
    if keccak256(encoded) != _bytes(block["hash"]):
        raise ChainError(f"block {int(block['number'], 16)}: its header has members that this release does not know")
    return encoded


def _receipts(web3: "Web3", number: int, transactions: Sequence[int]) -> tuple[ProvenReceipt, ...]:
    trie = HexaryTrie({})
    for receipt in _ask(web3, "eth_getBlockReceipts", hex(number)):
        trie[rlp.encode(int(receipt["transactionIndex"], 16))] = _receipt(receipt)
    return tuple(
        ProvenReceipt(index, _hashed([rlp.encode(node) for node in _way(trie, rlp.encode(index))]))
        for index in transactions
    )


def _way(trie: HexaryTrie, key: bytes) -> Sequence[Any]:
    nodes: Sequence[Any] = trie.get_proof(key)  # type: ignore[no-untyped-call]
    return nodes


def _receipt(receipt: Mapping[str, Any]) -> bytes:
    """Encode a receipt as the block's trie has it (EIP-2718: a typed one with its type before it)."""
    logs = [
        [_bytes(log["address"]), [_bytes(t) for t in log["topics"]], _bytes(log["data"])] for log in receipt["logs"]
    ]
    members = [_number(receipt["status"]), _number(receipt["cumulativeGasUsed"]), _bytes(receipt["logsBloom"]), logs]
    encoded: bytes = _number(receipt.get("type", "0x0")) + rlp.encode(members)
    return encoded


def _storage(web3: "Web3", number: int, contract: str, slots: Sequence[bytes]) -> ProvenStorage:
    keys = sorted(set(slots))
    answer = _ask(web3, "eth_getProof", contract, ["0x" + key.hex() for key in keys], hex(number))
    shown = {int(one["key"], 16): one["proof"] for one in answer["storageProof"]}
    return ProvenStorage(
        contract=contract,
        path=_hashed([_bytes(node) for node in answer["accountProof"]]),
        slots=tuple(ProvenSlot(key, _hashed([_bytes(node) for node in shown[int.from_bytes(key)]])) for key in keys),
    )


def _hashed(nodes: Sequence[bytes]) -> tuple[bytes, ...]:
    """Leave out nodes that stand in the node above: some chain nodes list them once more."""
    return tuple(node for place, node in enumerate(nodes) if place == 0 or len(node) >= SHORTEST_HASHED)
