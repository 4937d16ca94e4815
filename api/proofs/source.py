"""Proofs and explanations for those who ask a server: out of a journal that another process writes, and its chain.

Everything here takes long (a proof is verified before it is handed out), blocks, and may be called from several threads.
"""

import threading
from collections import OrderedDict
from collections.abc import Callable, Collection, Hashable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, TypeVar

from api.proofs.prove import Exporter, prove_period
from contracts.address_book import AddressBook
from oracle.attestation.credits import encode_credits
from oracle.attestation.period import encode_period
from oracle.attestation.proof import Anchor, Contracts, Proof, encode_anchor, encode_proof, proof_document
from oracle.errors import ChainError, ConfigError, JournalError, ProofError
from oracle.journal.archives import Archives
from oracle.journal.inspection import open_to_read
from oracle.journal.journal import Journal
from oracle.journal.turns import Turn
from oracle.reporting.document import canonical_bytes
from oracle.reporting.report import Domain
from oracle.reporting.rules import Rules
from oracle.transmitter.web3_chain import Web3Chain

if TYPE_CHECKING:
    from web3 import Web3

    from oracle.attestation.signer_set import SignerSet
    from oracle.journal.records import ReportRecord

RETIREMENT_FORMAT = "heliograph-retirement/1"
PROOFS_KEPT = 8
BOOKINGS_TOLD = 1000
"""Bookings of an explanation's history that are told; more are counted."""
_ATTESTED = ("network", "domain", "signer_set", "report", "signatures", "statements", "registry")
"""Members of a proof that stand on chain or are signed by nodes; the rest is the devices' own evidence."""

Made = TypeVar("Made")


class NotProvenError(Exception):
    """There is nothing to prove or to explain yet: no report covers it."""


@dataclass(frozen=True)
class _Exporter(Exporter):
    """An exporter that asks for each signer set once: one digest has one set, for ever."""

    signer_sets: "dict[bytes, SignerSet]" = field(default_factory=dict)

    def _signer_set(self, config_digest: bytes) -> "SignerSet":
        found = self.signer_sets.get(config_digest)
        if found is None:
            found = self.signer_sets[config_digest] = super()._signer_set(config_digest)
        return found


class _Recent:
    """The last few things that were made, by key."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._lock = threading.Lock()
        self._kept: OrderedDict[Hashable, Any] = OrderedDict()

    def get(self, key: Hashable, make: Callable[[], Made]) -> Made:
        with self._lock:
            if key in self._kept:
                self._kept.move_to_end(key)
                found: Made = self._kept[key]
                return found
        made = make()
        with self._lock:
            self._kept[key] = made
            while len(self._kept) > self._limit:
                self._kept.popitem(last=False)
        return made


@dataclass(frozen=True, eq=False)
class ProofSource:
    """One journal and its chain, to be read only."""

    journal: Path
    """File that a node writes."""
    network: str
    """Whose envelopes it holds."""
    rules: tuple[Rules, ...]
    """Rules of now, and those of earlier reports that are to be proven."""
    book: AddressBook
    connect: "Callable[[], Web3]"
    """Connects to the chain; called for each piece of work."""
    finality: Literal["finalized", "latest"] = "finalized"
    archives: Path | None = None
    """Folder to which envelopes were moved."""
    _signer_sets: "dict[bytes, SignerSet]" = field(default_factory=dict)
    _recent: _Recent = field(default_factory=lambda: _Recent(PROOFS_KEPT))
    _anchors: dict[str, bytes] = field(default_factory=dict)

    def anchor(self) -> bytes:
        """Signers and contracts as this server sees them: the newest, or the last known while the chain is away.

        Raises:
            ChainError: the chain does not answer and never has.

        """
        try:
            signers = Web3Chain(self.connect(), self.book, finality=self.finality).signer_set()
        except ChainError:
            if "last" not in self._anchors:
                raise
            return self._anchors["last"]
        contracts = Contracts(self.book.addresses["CarbonCredit"], self.book.addresses["MarkLedger"])
        domain = Domain(self.book.chain_id, self.book.addresses["ProductionOracle"])
        self._anchors["last"] = encode_anchor(Anchor(domain, signers, contracts))
        return self._anchors["last"]

    def statements(self, asset_id: str) -> bytes:
        """Prove an asset's statements under the last report, down to the device signatures.

        Raises:
            NotProvenError: no report covers the asset yet.
            JournalError, ChainError: journal or chain cannot be read.
            ConfigError: the rules of that report are not here, or the proof does not hold.

        """
        return encode_proof(self._proof(asset_id))

    def interval(self, asset_id: str, start_ms: int) -> bytes:
        """Prove what is booked of an asset in the ledger interval that begins at an instant [ms UTC].

        Raises:
            NotProvenError: no report covers the asset yet, or no interval begins there.
            JournalError, ChainError, ConfigError: as `statements`.

        """
        proof = self._proof(asset_id)
        interval_ms = proof.rules.ledger_interval_ms
        if start_ms % interval_ms:
            raise NotProvenError(
                f"no ledger interval begins there: they begin every {interval_ms // 1000} s since 1970"
            )
        if start_ms + interval_ms > proof.body.report.cutoff_s * 1000:
            raise NotProvenError("no report reaches the end of that interval yet; it will be there after a later one")
        try:
            return encode_period(prove_period(proof, start_ms, start_ms + interval_ms))
        except ProofError as error:
            raise NotProvenError(f"the interval is not proven: {error}") from error

    def retirement(self, number: int, asset_ids: Collection[str], released: Callable[[str], bool]) -> bytes:
        """Prove where the credits of a retirement come from, as far as the owners have released their evidence.

        All released, and the chain shows receipts and storage: the file that `heliograph verify` takes. Otherwise a document of
        format `heliograph-retirement/1`: `proofs` of the assets whose owners released them, in full; `attestations` of the
        others, which is what nodes signed and the chain has, without the devices' envelopes; `withheld` names those others;
        `chain` says why the chain's part is missing, if that is it.

        Raises:
            NotProvenError: no report covers an asset of it.
            JournalError, ChainError, ConfigError: as `statements`.

        """
        withheld = sorted(asset_id for asset_id in asset_ids if not released(asset_id))
        missing = None
        if not withheld:
            try:
                with self._exporter() as exporter:
                    return encode_credits(exporter.retirement(number))
            except ChainError as error:
                missing = str(error)
            except ConfigError as error:  # a development chain that keeps no receipts or gives no storage proofs
                missing = str(error)
        proofs = {asset_id: self._proof(asset_id) for asset_id in sorted(asset_ids)}
        return canonical_bytes(
            {
                "format": RETIREMENT_FORMAT,
                "number": str(number),
                "withheld": withheld,
                "chain": missing,
                "attestations": [_attested(proofs[asset_id]) for asset_id in withheld],
                "proofs": [proof_document(proof) for asset_id, proof in proofs.items() if asset_id not in withheld],
            }
        )

    def explanation(self, asset_id: str, start_ms: int, end_ms: int) -> dict[str, Any]:
        """Explain an interval of an asset: what metering decided of its readings, and what reports booked.

        Raises:
            NotProvenError: no report covers the asset yet.
            JournalError, ConfigError: the journal cannot be read.

        """
        from api.explaining.asset import explain_asset  # noqa: PLC0415  imports what settles recorded files: slow

        with self._reading() as journal:
            record = self._covering(journal, asset_id)
            rules = next((each for each in self.rules if each.digest == record.report.rules_digest), self.rules[0])
            explained = explain_asset(journal, self.journal, record, rules, asset_id, start_ms, end_ms)
        told = explained.to_json()
        history = told.pop("history")
        return {
            **told,
            "history": history[:BOOKINGS_TOLD],
            "history_count": len(history),
            "notes": list(explained.notes),
        }

    def _proof(self, asset_id: str) -> Proof:
        with self._exporter() as exporter:
            record = self._covering(exporter.journal, asset_id)
            key = (asset_id, record.report.epoch)
            return self._recent.get(key, lambda: exporter.statements(asset_id, record.report.epoch))

    def _covering(self, journal: Journal, asset_id: str) -> "ReportRecord":
        record = journal.last_report()
        if record is None or all(statement.asset_id != asset_id for statement in record.statements):
            raise NotProvenError(f"no report covers {asset_id} yet; it will be there after the next one")
        return record

    @contextmanager
    def _exporter(self) -> Iterator[Exporter]:
        with self._reading() as journal:
            yield _Exporter(
                journal, self.network, self.rules, self.connect(), self.book, self.finality, self._signer_sets
            )

    @contextmanager
    def _reading(self) -> Iterator[Journal]:
        """Open one moment of the journal, whatever its node writes meanwhile."""
        connection, network = open_to_read(self.journal)
        if network != self.network:
            connection.close()
            raise JournalError(f"the journal is of network {network}, not of {self.network}")
        archives = Archives([self.archives], network) if self.archives is not None else None
        journal = Journal(connection, Turn(self.journal), network, archives)
        try:
            yield journal
        finally:
            journal.close()


def _attested(proof: Proof) -> dict[str, Any]:
    """What a proof says without the devices' envelopes."""
    document = proof_document(proof)
    return {name: document[name] for name in _ATTESTED}
