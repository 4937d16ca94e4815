"""Any EVM chain through web3: registry read at a block, reports published, statements settled, mints read back."""

import logging
from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING, Any, Literal, TypeVar

from contracts.address_book import AddressBook, connect
from contracts.state import RootStatus, to_bytes32
from contracts.transaction import ChainRefusalError, send
from oracle.attestation.quorum import AttestedReport
from oracle.attestation.signature import SIGNATURE_BYTES
from oracle.attestation.signer_set import SignerSet
from oracle.errors import ChainError, OracleError
from oracle.reporting.merkle import StandardMerkleTree
from oracle.reporting.registry import RegistrySnapshot
from oracle.reporting.report import NO_REPORT, Domain, Report, Totals
from oracle.reporting.statement import Statement
from oracle.transmitter.marks import Marks
from oracle.transmitter.port import ChainPosition, Minted
from oracle.transmitter.registry_log import RegistryLog, struct_fields

if TYPE_CHECKING:
    from eth_account.signers.local import LocalAccount
    from eth_typing import ChecksumAddress
    from web3 import Web3

log = logging.getLogger(__name__)

SETTLE_BATCH = 80
"""Statements in one settling transaction; first ones cost up to 200k gas each, and a transaction may use 16.7M."""

Answer = TypeVar("Answer")


class Web3Chain:
    """The contracts of one address book, as one account sees and uses them."""

    def __init__(
        self,
        web3: "Web3",
        book: AddressBook,
        account: "ChecksumAddress | LocalAccount | None" = None,
        finality: Literal["finalized", "latest"] = "finalized",
    ) -> None:
        """Bind the contracts.

        Args:
            web3: connection to the chain.
            book: where the contracts are.
            account: pays for transactions; None reads only.
            finality: which block counts as final; "latest" on development chains, which undo nothing.

        Raises:
            ChainError: the connection leads to another chain than the book's.

        """
        chain_id = asking("chain id", lambda: web3.eth.chain_id)
        if chain_id != book.chain_id:
            raise ChainError(
                f"wrong chain: the node is on chain {chain_id}, the address book is for chain {book.chain_id}"
            )
        self._web3 = web3
        self._book = book
        self._account = account
        self._finality = finality
        self._reports = connect(web3, book, "ProductionOracle")
        self._oracle = self._reports.functions
        self._engine = connect(web3, book, "SettlementEngine").functions
        self._ledger = connect(web3, book, "MarkLedger").functions
        self.domain = Domain(book.chain_id, book.addresses["ProductionOracle"])
        self._publications: dict[int, Any] = {}
        """Event of each published report that is final, by epoch."""
        self._registry = RegistryLog(web3, connect(web3, book, "AssetRegistry"), book.block)

    def finalized_block(self) -> int:
        """Number of the newest block that counts as final."""
        return int(asking(f"{self._finality} block", lambda: self._web3.eth.get_block(self._finality)["number"]))

    def signer_set(self) -> SignerSet:
        """Who may attest now."""
        signers = asking("signers", lambda: self._oracle.signers().call())
        threshold = asking("threshold", lambda: self._oracle.threshold().call())
        return SignerSet(tuple(signers), threshold, asking("signers", lambda: self._oracle.configCount().call()))

    def position(self) -> ChainPosition:
        """Where the oracle contract stands."""
        return ChainPosition(
            asking("last epoch", lambda: self._oracle.lastEpoch().call()),
            bytes(asking("last report", lambda: self._oracle.lastDigest().call())),
            asking("last cutoff", lambda: self._oracle.lastCutoff().call()),
        )

    def digest_at(self, epoch: int) -> bytes:
        """Digest of a published report; 32 zero bytes if there is none, or if it was disabled."""
        status = asking("report's status", lambda: self._oracle.statusOf(epoch).call())
        told = self._published(epoch) if status != RootStatus.DISABLED else None
        if told is None or (status == RootStatus.UNKNOWN and self._disabled(epoch)):  # fallen out of the ring
            return NO_REPORT
        return bytes(told["args"]["digest"])

    def was_disabled(self, epoch: int) -> bool:
        """Whether a guardian has disabled an epoch's report, in a block that counts as final."""
        told = self._disabled(epoch)
        return bool(told) and told[0]["blockNumber"] <= self.finalized_block()

    def active_epoch(self) -> int:
        """Number of the newest report that can be settled, 0 if there is none."""
        return int(asking("last active report", lambda: self._oracle.lastActiveEpoch().call()))

    def published(self, epoch: int) -> AttestedReport:
        """Read a published report back from the transaction that brought it.

        Raises:
            ChainError: there is none, or it was published through another contract.

        """
        told = self._published(epoch)
        if told is None:
            raise ChainError(f"no report of epoch {epoch} is on chain")
        transaction = asking("transaction", lambda: self._web3.eth.get_transaction(told["transactionHash"]))
        try:
            _, arguments = self._reports.decode_function_input(transaction["input"])
        except ValueError as error:
            raise ChainError(f"epoch {epoch} was published through another contract: {error}") from error
        packed = bytes(arguments["signatures"])
        signatures = tuple(packed[i : i + SIGNATURE_BYTES] for i in range(0, len(packed), SIGNATURE_BYTES))
        return AttestedReport(report_from_struct(arguments["report"]), signatures)

    def registry_at(self, block: int) -> RegistrySnapshot:
        """Read the whole registry at one final block, each meter list held against its root."""
        return asking("registry", lambda: self._registry.at(block))

    def publish(self, attested: AttestedReport) -> str:
        """Send a report to the oracle contract.

        Raises:
            ChainError: the contract refused it, in its own words.

        """
        call = self._oracle.publish(report_struct(attested.report), attested.packed_signatures)
        return self._send(call, f"publish epoch {attested.report.epoch}")

    def unsettled(self, statements: Iterable[Statement]) -> list[Statement]:
        """Those of the statements that say more than what was settled."""
        return [one for one in statements if self._marks(one.asset_id, one.vintage).are_behind(one)]

    def settle(self, epoch: int, statements: Sequence[Statement], tree: StandardMerkleTree) -> list[str]:
        """Mint what statements add, in batches, each with one proof for all of it.

        Raises:
            ChainError: the report is not active, or a statement is none of its leaves.

        """
        hashes = []
        for first in range(0, len(statements), SETTLE_BATCH):
            batch = {one.leaf: one for one in statements[first : first + SETTLE_BATCH]}
            together = tree.multiproof(batch)
            fields = [batch[leaf].fields() for leaf in together.leaves]
            call = self._engine.settleMulti(epoch, fields, list(together.proof), list(together.flags))
            hashes.append(self._send(call, f"settle {len(batch)} statements of epoch {epoch}"))
        return hashes

    def minted(self, asset_id: str, vintage: int) -> Minted:
        """Read back what was settled for an asset in a vintage."""
        return self._marks(asset_id, vintage).minted

    def _marks(self, asset_id: str, vintage: int) -> Marks:
        mark, correction = asking("marks", lambda: self._ledger.markOf(to_bytes32(asset_id), vintage).call())
        return Marks.from_structs(struct_fields(mark), struct_fields(correction))

    def _published(self, epoch: int) -> Any:  # noqa: ANN401  web3's events are untyped
        """The event of a report; None if there is none. What is final is not asked for again."""
        if epoch not in self._publications:
            # Epochs rise from block to block.
            before = (told["blockNumber"] for known, told in list(self._publications.items()) if known < epoch)
            first = max(before, default=self._book.block)
            found = self._told("published report", self._reports.events.Published(), epoch, first)
            if not found or found[0]["blockNumber"] > self.finalized_block():
                return found[0] if found else None
            self._publications[epoch] = found[0]
        return self._publications[epoch]

    def _disabled(self, epoch: int) -> list[Any]:
        """The event that a report was disabled, if it was."""
        return self._told("disabled report", self._reports.events.Disabled(), epoch, self._book.block)

    def _told(self, what: str, event: Any, epoch: int, first_block: int) -> list[Any]:  # noqa: ANN401  as above
        """Events of one report."""
        return asking(what, lambda: list(event.get_logs(argument_filters={"epoch": epoch}, from_block=first_block)))

    def _send(self, call: Any, step: str) -> str:  # noqa: ANN401  web3's calls are untyped
        if self._account is None:
            raise ChainError(f"{step}: this connection has no account and can only read")
        try:
            receipt = send(self._web3, self._account, call, step)
        except ChainRefusalError as error:
            raise ChainError(str(error)) from error
        log.info("%s: %d gas", step, receipt["gasUsed"])
        return receipt["transactionHash"].to_0x_hex()


def report_struct(report: Report) -> tuple[object, ...]:
    """Return a report as the contract's struct."""
    totals = (report.totals.energy_wh, report.totals.credits_g, report.totals.revenue_minor)
    return (
        report.epoch,
        report.prev,
        report.cutoff_s,
        report.config_digest,
        report.rules_digest,
        report.registry_block,
        report.registry_hash,
        report.root,
        totals,
        report.leaf_count,
        report.data_hash,
    )


def report_from_struct(struct: Any) -> Report:  # noqa: ANN401  web3 gives structs as mappings or tuples
    """Read a report from the contract's struct."""
    epoch, prev, cutoff_s, config, rules, block, registry, root, totals, leaf_count, data = struct_fields(struct)
    return Report(
        epoch=epoch,
        prev=bytes(prev),
        cutoff_s=cutoff_s,
        config_digest=bytes(config),
        rules_digest=bytes(rules),
        registry_block=block,
        registry_hash=bytes(registry),
        root=bytes(root),
        totals=Totals(*struct_fields(totals)),
        leaf_count=leaf_count,
        data_hash=bytes(data),
    )


def asking(what: str, question: Callable[[], Answer]) -> Answer:
    """Ask the chain; whatever web3 raises becomes a ChainError that says what was asked."""
    try:
        return question()
    except OracleError:
        raise
    except OSError as error:  # its text may hold the URL, and that a key
        raise ChainError(f"the chain does not answer for its {what}: {type(error).__name__}") from None
    except Exception as error:
        raise ChainError(f"the chain does not answer for its {what}: {error}") from error
