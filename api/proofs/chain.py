"""The chain's side of a proof, asked of a chain node: whether a report stands, and whether blocks are of the chain."""

from collections.abc import Callable, Sequence
from functools import partial
from typing import TYPE_CHECKING, TypeVar

from eth_typing import Hash32

from contracts.state import RootStatus
from oracle.attestation.block import ProvenBlock
from oracle.attestation.proof import Proof
from oracle.errors import ChainError, ProofError
from oracle.transmitter.web3_chain import asking

if TYPE_CHECKING:
    from web3 import Web3

    from oracle.reporting.report import Domain, Report

Answer = TypeVar("Answer")
TIMEOUT_S = 30


def check_report(proof: Proof, rpc_url: str) -> str:
    """Ask the oracle contract that a proof names for its report; return what was found.

    Raises:
        ProofError: another chain, or the contract holds another report or none at that epoch.
        ChainError: the node cannot be reached, or there is no such contract.

    """
    body = proof.body
    where = f"{rpc_url}: does not answer for contract {body.domain.oracle}"
    web3, chain_id = _connect(rpc_url, where)
    _require_chain(chain_id, body.domain, rpc_url)
    digest = body.report.digest(body.domain)
    if not _asking(where, lambda: _stands(web3, body.domain, body.report, digest)):
        raise ProofError("chain", f"the contract holds another report, or none, at epoch {body.report.epoch}")
    return f"report {body.report.epoch} stands in contract {body.domain.oracle} on chain {chain_id}"


def check_blocks(blocks: Sequence[ProvenBlock], domain: "Domain", rpc_url: str) -> str:
    """Ask a chain node whether blocks are of its chain; return what was found.

    All that is shown of a block is under its hash, so nothing else need be asked.

    Raises:
        ProofError: it is another chain, or one of the blocks is not of it.
        ChainError: the node cannot be reached.

    """
    where = f"{rpc_url}: does not answer for a block"
    web3, chain_id = _connect(rpc_url, where)
    _require_chain(chain_id, domain, rpc_url)
    require_blocks(web3, blocks)
    return f"all {len(blocks)} blocks are of chain {chain_id}"


def require_blocks(web3: "Web3", blocks: Sequence[ProvenBlock]) -> None:
    """Make sure that blocks are of the chain that a node is on.

    Raises:
        ProofError: one is not.
        ChainError: the node cannot be reached.

    """
    for block in blocks:
        if not asking("block", partial(_is_of_the_chain, web3, block.block_hash)):
            raise ProofError("chain", f"block 0x{block.block_hash.hex()} is not of the chain")


def _connect(rpc_url: str, where: str) -> tuple["Web3", int]:
    from web3 import HTTPProvider, Web3  # noqa: PLC0415  slow to import, and only needed here

    web3 = Web3(HTTPProvider(rpc_url, request_kwargs={"timeout": TIMEOUT_S}))
    return web3, _asking(where, lambda: web3.eth.chain_id)


def _asking(where: str, question: Callable[[], Answer]) -> Answer:
    try:
        return question()
    except Exception as error:
        raise ChainError(f"{where}: {error}") from error


def _require_chain(chain_id: int, domain: "Domain", rpc_url: str) -> None:
    if chain_id != domain.chain_id:
        raise ProofError("chain", f"wrong chain: the proof is for chain {domain.chain_id}, {rpc_url} is on {chain_id}")


def _stands(web3: "Web3", domain: "Domain", report: "Report", digest: bytes) -> bool:
    """Whether the contract has published just this report, and no guardian has disabled it."""
    from contracts import artifact  # noqa: PLC0415

    oracle = web3.eth.contract(address=web3.to_checksum_address(domain.oracle), abi=artifact("ProductionOracle").abi)
    if oracle.functions.statusOf(report.epoch).call() == RootStatus.DISABLED:
        return False
    # A report is published after the block at which its registry was read.
    told = {"argument_filters": {"epoch": report.epoch, "digest": digest}, "from_block": report.registry_block}
    return bool(oracle.events.Published().get_logs(**told)) and not oracle.events.Disabled().get_logs(**told)


def _is_of_the_chain(web3: "Web3", block_hash: bytes) -> bool:
    """Whether a block is the one at its number: a node may still know blocks that were undone."""
    from web3.exceptions import BlockNotFound  # noqa: PLC0415

    try:
        number = web3.eth.get_block(Hash32(block_hash))["number"]
    except BlockNotFound:
        return False
    return bytes(web3.eth.get_block(number)["hash"]) == block_hash
