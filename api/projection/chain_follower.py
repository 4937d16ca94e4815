"""A chain, followed into the projection up to its final block: in bounded ranges, each written whole or not at all."""

import json
import logging
from typing import TYPE_CHECKING, Any, Literal

from api.projection.chain_logs import ChainLog, ChainReader
from api.projection.chain_reports import Registrations, Reports
from api.projection.chain_settling import Settling
from api.projection.chain_tokens import Tokens
from api.projection.registration import BY_CHAIN, forget_registry
from api.projection.schema import CHAIN_TABLES
from api.projection.source import CHAIN, Follower, Sources
from api.projection.store import Store, Writing
from contracts.address_book import AddressBook
from oracle.errors import ChainError

if TYPE_CHECKING:
    from collections.abc import Callable

    from web3 import Web3

log = logging.getLogger(__name__)

BLOCKS_A_STEP = 2_000
"""What public nodes mostly answer at once; halved where one refuses, down to one block."""
PATIENCE = 50
"""So many ranges later a longer one is tried again."""
_KINDS = (
    "report", "report_active", "report_disabled", "mint", "reversal", "deposit", "claim", "retirement",
)  # fmt: skip


class ChainFollower(Follower):
    """Reads what is new on a chain: registry, reports, tokens, money."""

    name = CHAIN

    def __init__(  # noqa: PLR0913  where the chain is, and how it is followed
        self,
        store: Store,
        sources: Sources,
        connect: "Callable[[], Web3]",
        book: AddressBook,
        finality: Literal["finalized", "latest"] = "finalized",
        *,
        idle_s: float = 2.0,
    ) -> None:
        """Follow a chain; it need not answer yet.

        Args:
            store: the projection's.
            sources: where it is noted how fresh the chain is.
            connect: makes a client; called anew after a failure.
            book: the contracts.
            finality: which block counts as final; "latest" on development chains, which undo nothing.
            idle_s: pause before the chain is asked again when there was nothing new [s].

        """
        super().__init__(sources, idle_s)
        self._store = store
        self._connect = connect
        self._book = book
        self._finality: Literal["finalized", "latest"] = finality
        self._reader: ChainReader | None = None
        self._activation_delay_s: int | None = None
        self._blocks = BLOCKS_A_STEP
        self._until_longer = 0

    def leave(self) -> None:
        """Let go of the client."""
        self._reader = None

    def step(self) -> bool:
        """Read on; whether there is more.

        Raises:
            ChainError: the chain does not answer, is another than the address book's, or is behind what was read.

        """
        if self._reader is None:
            self._reader = ChainReader(self._connect(), self._book, self._finality)
        reader = self._reader
        final = reader.final_block()
        done = self._progress()
        if done is not None and (why := self._other_chain(reader, done, final)):
            self._begin_anew(why)
            return True
        first = self._book.block if done is None else done["block"] + 1
        if self._activation_delay_s is None:
            self._activation_delay_s = int(reader.call("ProductionOracle", "activationDelay"))
        last = min(final[0], first + self._blocks - 1)
        logs, last = self._logs(reader, first, last) if last >= first else ([], last)
        reached = final if last >= final[0] else reader.block(last)
        if reached is None:
            raise ChainError(f"the node has no block {last}, though its {self._finality} one is {final[0]}")
        if last >= first or self._is_pending(final[2]):
            with self._store.writing() as writing:
                self._write(writing, reader, logs)
                Reports(writing, reader).activate(self._activation_delay_s, reached[2])
                progress = self._identity(reader, done) | {
                    "block": reached[0],
                    "hash": reached[1],
                    "time_s": reached[2],
                }
                writing.put("chain", json.dumps(progress))
                if done is None:
                    places = {
                        "vault": self._book.addresses["CarbonCredit"],
                        "buffer": reader.call("CarbonCredit", "BUFFER"),
                    }
                    writing.put("credit_places", json.dumps(places))
        return last < final[0]

    def _progress(self) -> dict[str, Any] | None:
        row = self._store.reader().execute("SELECT content FROM meta WHERE name = 'chain'").fetchone()
        return None if row is None else json.loads(row[0])

    def _identity(self, reader: ChainReader, done: dict[str, Any] | None) -> dict[str, Any]:
        """What tells this chain and deployment from another."""
        if done is not None:
            return done
        first = reader.block(self._book.block)
        return {
            "chain_id": self._book.chain_id,
            "oracle": self._book.addresses["ProductionOracle"],
            "first": self._book.block,
            "first_hash": first[1] if first else None,
        }

    def _other_chain(self, reader: ChainReader, done: dict[str, Any], final: tuple[int, str, int]) -> str | None:
        """Say why the chain cannot be the one that was read so far; None if it is.

        Raises:
            ChainError: it is, and has fewer blocks than were read: the node is behind.

        """
        book = self._book
        if (done["chain_id"], done["oracle"], done["first"]) != (
            book.chain_id, book.addresses["ProductionOracle"], book.block,
        ):  # fmt: skip
            return "is another deployment than before"
        if final[0] == done["block"] and final[1] == done["hash"]:
            return None
        if final[0] < done["block"]:
            first = reader.block(done["first"])
            if first is None or first[1] != done["first_hash"]:
                return "was made anew: it begins with another block"
            raise ChainError(
                f"the chain node is behind: its {self._finality} block is {final[0]}, {done['block']} was read already"
            )
        there = final if final[0] == done["block"] else reader.block(done["block"])
        if there is None or there[1] != done["hash"]:
            return f"was made anew, or undid final blocks: block {done['block']} is not the one that was read"
        return None

    def _begin_anew(self, why: str) -> None:
        """Forget what was read: it was of another chain."""
        log.warning("the chain %s; what is shown of it is made anew", why)
        with self._store.writing() as writing:
            forget_registry(writing, BY_CHAIN)
            for table in CHAIN_TABLES:
                writing.connection.execute(f"DELETE FROM {table}")  # noqa: S608  our names
            writing.connection.execute("DELETE FROM meta WHERE name IN ('chain', 'config_digest')")
            places = ", ".join("?" * len(_KINDS))
            writing.connection.execute(f"DELETE FROM event WHERE kind IN ({places})", _KINDS)  # noqa: S608
            writing.touch_all()
        self._sources.remark(self.name, f"the chain {why}; what is shown of it was made anew")
        self._activation_delay_s = None

    def _logs(self, reader: ChainReader, first: int, last: int) -> tuple[list[ChainLog], int]:
        """Events from block `first` on, and up to which block: `last`, or less where the node answers no more at once.

        Some nodes bound a range by its blocks, some by its events, and each says so in words of its own.
        """
        while True:
            try:
                logs = reader.logs(first, last)
            except ChainError as error:
                self._blocks = max(1, (last - first + 1) // 2)
                self._until_longer = PATIENCE
                if error.__cause__ is None or last == first:  # it did not answer at all, or one block is too much
                    raise
                last = first + self._blocks - 1
            else:
                self._until_longer -= 1
                if self._until_longer <= 0:
                    self._blocks = min(self._blocks * 2, BLOCKS_A_STEP)
                return logs, last

    def _is_pending(self, now_s: int) -> bool:
        """Whether a report has become active without any new block of ours."""
        query = "SELECT 1 FROM chain_report WHERE status = 'pending' AND published_s <= ? LIMIT 1"
        row = self._store.reader().execute(query, (now_s - (self._activation_delay_s or 0),)).fetchone()
        return row is not None

    @staticmethod
    def _write(writing: Writing, reader: ChainReader, logs: list[ChainLog]) -> None:
        settling, tokens, reports = Settling(writing), Tokens(writing, reader), Reports(writing, reader)
        registrations = Registrations(writing)
        write: dict[tuple[str, str], Callable[[ChainLog], None]] = {
            ("AssetRegistry", "ProjectSet"): registrations.project_set,
            ("AssetRegistry", "AssetSet"): registrations.asset_set,
            ("AssetRegistry", "MetersSet"): registrations.meters_set,
            ("ProductionOracle", "Published"): reports.published,
            ("ProductionOracle", "Disabled"): reports.disabled,
            ("ProductionOracle", "SignersSet"): reports.signers_set,
            ("MarkLedger", "Settled"): settling.settled,
            ("MarkLedger", "Reversed"): settling.reversed,
            ("MarkLedger", "BatchSettled"): settling.batch_settled,
            ("MarkLedger", "VintageSealed"): tokens.sealed,
            ("CarbonCredit", "Issued"): settling.issued,
            ("CarbonCredit", "Retired"): tokens.retired,
            ("CarbonCredit", "Drawn"): tokens.drawn,
            ("CarbonCredit", "BufferCancelled"): tokens.cancelled,
            ("CarbonCredit", "TransferSingle"): tokens.transferred,
            ("CarbonCredit", "TransferBatch"): tokens.transferred,
            ("RetirementCertificate", "Locked"): tokens.certified,
            ("RevenueShare", "Deposited"): tokens.deposited,
            ("RevenueShare", "ExcessCarried"): tokens.excess_carried,
            ("RevenueShare", "WrittenDown"): tokens.written_down,
            ("RevenueShare", "Claimed"): tokens.claimed,
            ("FeedFactory", "FeedCreated"): tokens.feed_created,
        }
        for one in logs:
            try:
                write[one.contract, one.event](one)
            except (ValueError, OverflowError) as error:  # no identifier, or a number that no plant on Earth reaches
                log.warning("%s %s in block %d is passed over: %s", one.contract, one.event, one.block, error)
