"""Reports of one oracle, hour after hour, each on the last."""

from typing import Any

from eth_utils.abi import function_abi_to_4byte_selector
from web3.contract import Contract

from api.bench.chain.anvil import Anvil
from api.bench.chain.fleet import Amount
from api.bench.chain.signing import Signers
from oracle.reporting.abi import abi_bytes
from oracle.reporting.keccak import keccak256
from oracle.reporting.report import NO_REPORT, Domain, Report, Totals
from oracle.transmitter.web3_chain import report_struct

REPORT_ABI = "(uint64,bytes32,uint64,bytes32,bytes32,uint64,bytes32,bytes32,(uint128,uint128,uint128),uint32,bytes32)"
RULES = keccak256(b"bench rules")


class Publisher:
    """The nodes of one oracle contract."""

    def __init__(self, anvil: Anvil, oracle: Contract, signers: Signers) -> None:
        self._anvil = anvil
        self._oracle = oracle
        self._signers = signers
        self._domain = Domain(anvil.chain_id, oracle.address)
        self._config = bytes(oracle.functions.configDigest().call())
        self._selector = bytes(function_abi_to_4byte_selector(oracle.functions.publish.abi))
        self._prev = NO_REPORT
        self.epoch = 0
        """Number of the last report."""

    def publish(self, root: bytes, totals: Amount, leaves: int, cutoff_s: int) -> dict[str, Any]:
        """Sign the next report and publish it; return the receipt.

        Raises:
            MeasureError: the oracle refused it.

        """
        self.epoch += 1
        report = Report(
            epoch=self.epoch,
            prev=self._prev,
            cutoff_s=cutoff_s,
            config_digest=self._config,
            rules_digest=RULES,
            registry_block=20_000_000 + 300 * self.epoch,
            registry_hash=keccak256(b"bench registry"),
            root=root,
            totals=Totals(totals.energy_wh, totals.credits_g, totals.revenue_minor),
            leaf_count=leaves,
            data_hash=keccak256(f"bench working {self.epoch}".encode()),
        )
        digest = report.digest(self._domain)
        arguments = abi_bytes((REPORT_ABI, "bytes"), (report_struct(report), self._signers.sign(digest)))
        self._prev = digest
        return self._anvil.send(self._oracle, "publish", self._selector + arguments)
