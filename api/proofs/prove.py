"""Files that `heliograph verify` takes, out of a node's journal and its chain. Each is verified before it is handed out."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from api.proofs.blocks import prove_block
from contracts.address_book import connect
from contracts.state import credit_id, from_bytes32
from oracle.attestation.block import CheckedBlock, ProvenBlock, check_block
from oracle.attestation.credit_storage import Retirement, issuance_slot, retirement_in, retirement_slots
from oracle.attestation.credit_verification import examine_credits, portions_of, touched_issues
from oracle.attestation.credits import CreditRange, CreditsBody, ProvenCredits, ProvenMember
from oracle.attestation.issuance import Mark, read_issues
from oracle.attestation.period import ProvenPeriod, period_of
from oracle.attestation.proof import Anchor, Contracts, Proof
from oracle.attestation.signer_set import SignerSet
from oracle.attestation.verification import examine_proof
from oracle.errors import ChainError, ConfigError, JournalError, ProofError, ReportError
from oracle.journal.proving import prove_asset
from oracle.reporting.registry import asset_leaf
from oracle.reporting.report import Domain

if TYPE_CHECKING:
    from web3 import Web3

    from contracts.address_book import AddressBook
    from oracle.journal.journal import Journal
    from oracle.journal.records import ReportRecord
    from oracle.reporting.rules import Rules

VINTAGE_MASK = (1 << 16) - 1


@dataclass(frozen=True)
class Exporter:
    """A node's journal and its chain, as far as proofs are made of them."""

    journal: "Journal"
    network: str
    rules: tuple["Rules", ...]
    """The rules of now, and those of earlier reports that are to be proven."""
    web3: "Web3"
    book: "AddressBook"
    finality: Literal["finalized", "latest"] = "finalized"

    @property
    def domain(self) -> Domain:
        """Chain and contract that reports are signed for."""
        return Domain(self.book.chain_id, self.book.addresses["ProductionOracle"])

    @property
    def contracts(self) -> Contracts:
        """Where credits are minted."""
        return Contracts(self.book.addresses["CarbonCredit"], self.book.addresses["MarkLedger"])

    def statements(self, asset_id: str, epoch: int | None = None) -> Proof:
        """Prove an asset's statements: those of the last report, or those of the report of an epoch.

        Raises:
            JournalError: no such report covers the asset.
            ConfigError: none of the rules are those of the report, or the proof does not hold.
            ChainError: the chain cannot be asked for the signer set.

        """
        record = self._record(epoch)
        proof = prove_asset(
            self.journal,
            asset_id,
            network=self.network,
            domain=self.domain,
            signer_set=self._signer_set(record.report.config_digest),
            rules=self._rules(record),
            epoch=record.report.epoch,
        )
        try:
            examine_proof(proof, None)
        except ProofError as error:
            raise ConfigError(
                f"asset {asset_id}, report {record.report.epoch}: what would be written does not hold: {error}"
            ) from error
        return proof

    def credits(self, project_id: str, vintage: int, first_serial: int, last_serial: int) -> ProvenCredits:
        """Prove where credits come from, by their serial numbers.

        Raises:
            ConfigError: they were not minted, or the proof does not hold.
            JournalError: the journal does not cover their reports.
            ChainError: the chain cannot be asked, or does not tell storage and receipts.

        """
        token = credit_id(project_id, vintage)
        blocks = self._blocks(token, [issuance_slot(token)])
        return self._credits(token, first_serial, last_serial, blocks, None)

    def retirement(self, number: int) -> ProvenCredits:
        """Prove where the credits of a retirement come from. Raises as `credits` does."""
        try:
            kept = connect(self.web3, self.book, "CarbonCredit").functions.retirement(number).call()
        except Exception as error:
            raise ConfigError(f"the chain tells of no retirement {number}: {error}") from error
        token, *_, name, purpose = kept if isinstance(kept, (tuple, list)) else kept.values()
        slots = retirement_slots(number, len(name.encode()), len(purpose.encode()))
        blocks = self._blocks(token, [issuance_slot(token), *slots])
        try:
            retirement = retirement_in(check_block(blocks[-1]).storage[self.contracts.credit], number)
        except ReportError as error:
            raise ChainError(f"retirement {number} is not final yet: {error}") from error
        last_serial = retirement.first_serial + retirement.grams - 1
        return self._credits(token, retirement.first_serial, last_serial, blocks, retirement)

    def anchor(self, blocks: Iterable[bytes] = ()) -> Anchor:
        """Return what a verifier may trust if it trusts this node: signers, contracts, and the blocks given."""
        record = self._record(None)
        return Anchor(self.domain, self._signer_set(record.report.config_digest), self.contracts, tuple(sorted(blocks)))

    def _record(self, epoch: int | None) -> "ReportRecord":
        record = self.journal.last_report() if epoch is None else self.journal.report(epoch)
        if record is None:
            which = "" if epoch is None else f" of epoch {epoch}"
            raise JournalError(f"the journal holds no report{which} that stands")
        return record

    def _rules(self, record: "ReportRecord") -> "Rules":
        for rules in self.rules:
            if rules.digest == record.report.rules_digest:
                return rules
        raise ConfigError(
            f"report {record.report.epoch} was made under other rules (0x{record.report.rules_digest.hex()}): give their file"
            " by --rules"
        )

    def _signer_set(self, config_digest: bytes) -> SignerSet:
        """Find the signers of a configuration, present or past."""
        oracle = connect(self.web3, self.book, "ProductionOracle")
        chosen = {"configDigest": config_digest}
        try:
            told = list(oracle.events.SignersSet().get_logs(argument_filters=chosen, from_block=self.book.block))
        except Exception as error:
            raise ChainError(f"the chain does not answer for its signers: {error}") from error
        if not told:
            raise ChainError(f"the chain knows no signer set with the digest 0x{config_digest.hex()}")
        named = told[0]["args"]
        return SignerSet(tuple(named["signers"]), named["threshold"], named["configCount"])

    def _blocks(self, token: int, slots: Sequence[bytes]) -> list[ProvenBlock]:
        """Show every block with an issue of an id, and the newest final one with slots of the credit contract."""
        credit = connect(self.web3, self.book, "CarbonCredit")
        try:
            newest = int(self.web3.eth.get_block(self.finality)["number"])
            told = credit.events.Issued().get_logs(
                argument_filters={"id": token}, from_block=self.book.block, to_block=newest
            )
        except Exception as error:
            raise ChainError(f"the chain does not answer for what was issued: {error}") from error
        issued: dict[int, set[int]] = {newest: set()}
        for one in told:
            issued.setdefault(one["blockNumber"], set()).add(one["transactionIndex"])
        return [
            prove_block(self.web3, number, issued[number], {credit.address: slots} if number == newest else None)
            for number in sorted(issued)
        ]

    def _credits(
        self, token: int, first_serial: int, last_serial: int, blocks: Sequence[ProvenBlock], retired: Retirement | None
    ) -> ProvenCredits:
        project_id, vintage = from_bytes32((token & ~VINTAGE_MASK).to_bytes(32)), token & VINTAGE_MASK
        found, beside = self._marks([check_block(block) for block in blocks], token, first_serial, last_serial)
        if not found:
            raise ConfigError(
                f"{project_id}, vintage {vintage}: serials {first_serial} to {last_serial} were not minted"
            )
        epochs: dict[str, int] = {}
        for portion, _ in found:
            epochs[portion.asset_id] = max(portion.epoch, epochs.get(portion.asset_id, 0))
        registry = self._record(max(epochs.values())).registry
        stated = CreditRange(
            project_id, vintage, first_serial, last_serial, tuple(portion for portion, _ in found), retired
        )
        members = [registry.assets[asset_id] for asset_id in sorted(beside - epochs.keys())]
        project = registry.projects[project_id]
        proven = ProvenCredits(
            CreditsBody(
                stated,
                self.contracts,
                tuple(blocks),
                tuple(ProvenMember(one, project, registry.tree.proof(asset_leaf(one, project))) for one in members),
            ),
            tuple(self.statements(asset_id, epoch) for asset_id, epoch in sorted(epochs.items())),
        )
        try:
            examine_credits(proven)
        except ProofError as error:
            raise ConfigError(
                f"{project_id}, vintage {vintage}: what would be written does not hold: {error}"
            ) from error
        return proven

    def _marks(
        self, blocks: Sequence[CheckedBlock], token: int, first_serial: int, last_serial: int
    ) -> tuple[list[tuple[Any, Mark]], set[str]]:
        """Return the portions of a range with their marks, and the project's assets that were settled beside them."""
        record = self._record(None)
        project_id = from_bytes32((token & ~VINTAGE_MASK).to_bytes(32))
        own = frozenset(asset.asset_id for asset in record.assets if asset.project_id == project_id)
        found: list[tuple[Any, Mark]] = []
        beside: set[str] = set()
        try:
            issues = read_issues(blocks, self.contracts, token)
            for issue, first in touched_issues(issues, first_serial, last_serial):
                beside |= {mark.asset_id for mark, _ in issue.marks} & own
                found += portions_of(issue, first, own, first_serial, last_serial)
        except ReportError as error:
            raise ChainError(f"what the chain tells of the issues does not add up: {error}") from error
        return found, beside


def prove_period(proof: Proof, from_ms: int, until_ms: int) -> ProvenPeriod:
    """Say what a proof's envelopes book in a period of whole ledger intervals.

    Raises:
        ProofError: the proof does not hold, or the period does not consist of whole intervals.

    """
    examined = examine_proof(proof, None)
    return ProvenPeriod(period_of(examined.settlement, proof.rules.ledger_interval_ms, from_ms, until_ms), proof)
