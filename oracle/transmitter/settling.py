"""Settle what can be settled: the newest active report, and before it the last one of each month that it leaves behind."""

import logging
from collections.abc import Sequence
from itertools import pairwise

from oracle.journal.journal import Journal
from oracle.journal.records import ReportRecord
from oracle.metering.interval import month_of
from oracle.reporting.compilation import statements_tree
from oracle.transmitter.port import Chain

log = logging.getLogger(__name__)

REPORTS_LOOKED_BACK = 64
"""After a start, months are looked for in so many reports before the newest active one."""


class Settler:
    """Brings active reports of one journal to the ledger. What others have settled is not settled again."""

    def __init__(self, journal: Journal, chain: Chain) -> None:
        self._journal = journal
        self._chain = chain
        self._settled = 0
        """Epoch up to which there is nothing to do."""

    def settle(self) -> list[str]:
        """Settle what is active and says more than what was settled; return the hashes of the transactions.

        A report that is still pending waits for a later call. A statement that the ledger holds back is offered again with
        the next report: nothing is lost, since statements are cumulative.

        Raises:
            ChainError: the chain refuses, or cannot be reached. What was not settled is settled by a later call.

        """
        active = self._chain.active_epoch()
        if active <= self._settled:
            return []
        hashes: list[str] = []
        candidates = self._candidates(active)
        for record in closing_reports(candidates):
            behind = self._chain.unsettled(record.statements)
            if behind:
                hashes += self._chain.settle(record.report.epoch, behind, statements_tree(record.statements))
        if candidates:  # else this node has yet to take the report in
            self._settled = candidates[-1].report.epoch
        return hashes

    def _candidates(self, active: int) -> list[ReportRecord]:
        """Reports held here that stand, up to the active one, which settling has not passed yet; ascending."""
        first = max(self._settled + 1, active - REPORTS_LOOKED_BACK)
        found = (self._journal.report(epoch) for epoch in range(first, active + 1))
        return [record for record in found if record is not None]


def closing_reports(records: Sequence[ReportRecord]) -> list[ReportRecord]:
    """Of reports in ascending order, the last one of each local month, for whatever asset, and the very last.

    A statement covers its year so far, and the ledger counts what is new in it to the month that its cutoff closes: left
    out, the last report of a month would leave the month's last revenue to the next one.
    """
    chosen = [record for record, following in pairwise(records) if _months(record) - _months(following)]
    return [*chosen, *records[-1:]]


def _months(record: ReportRecord) -> set[tuple[str, int]]:
    """(asset, month that the report's cutoff closes) of every asset."""
    last_s = record.report.cutoff_s - 1
    return {(asset.asset_id, month_of(last_s * 1000, asset.utc_offset_s)) for asset in record.assets}
