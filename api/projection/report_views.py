"""Reports: what the journal and the chain each say of them, as one."""

import json
from typing import Any

from api.http.problems import NotFoundProblem
from api.projection.cursors import before
from api.projection.instants import instant
from api.projection.store import Store
from api.projection.views import Page, ReportView, SignerView
from oracle.attestation.signature import SIGNATURE_BYTES, recover_signer
from oracle.errors import ReportError

_FIELDS = "digest, prev, cutoff_s, config_digest, root, leaf_count, energy_wh, credits_g, revenue_minor"
_REPORTS = (
    f"SELECT epoch, {_FIELDS}, coalesce(chain_report.signatures, (SELECT signatures FROM journal_report AS own"  # noqa: S608
    " WHERE own.epoch = chain_report.epoch)), block, tx, published_s, status FROM chain_report WHERE epoch {where}"
    f" UNION ALL SELECT epoch, {_FIELDS}, signatures, NULL, NULL, NULL,"
    " CASE disabled WHEN 1 THEN 'disabled' ELSE 'pending' END FROM journal_report"
    " WHERE epoch NOT IN (SELECT epoch FROM chain_report) AND epoch {where} ORDER BY epoch DESC LIMIT ?2"
)


class ReportViews:
    """Reads reports, the newest first."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._signed: dict[bytes, tuple[str, ...]] = {}
        """Who signed, by digest: recovering costs more than all the rest."""

    def page(self, after: str | None, limit: int) -> Page[ReportView]:
        """Reports before the epoch `after`."""
        rows = self._rows("< ?1", before(after), limit + 1)
        items = [self._view(row) for row in rows[:limit]]
        return Page[ReportView].model_construct(
            items=items, next=str(rows[limit - 1][0]) if len(rows) > limit else None
        )

    def one(self, epoch: int) -> ReportView:
        """Report of an epoch. Raises NotFoundProblem."""
        rows = self._rows("= ?1", epoch, 1) if 0 < epoch < 2**62 else []
        if not rows:
            raise NotFoundProblem(f"no report of epoch {epoch} is known; GET /v1/reports lists those that are")
        return self._view(rows[0])

    def last_standing(self) -> ReportView | None:
        """Return the newest report that is not disabled."""
        after = None
        while (page := self.page(after, 16)).items:
            found = next((view for view in page.items if view.status != "disabled"), None)
            if found is not None or page.next is None:
                return found
            after = page.next
        return None

    def _rows(self, where: str, epoch: int, limit: int) -> list[tuple[Any, ...]]:
        return self._store.reader().execute(_REPORTS.format(where=where), (epoch, limit)).fetchall()

    def _view(self, row: tuple[Any, ...]) -> ReportView:
        epoch, digest, prev, cutoff_s, config_digest, root, leaf_count, energy, credits, revenue = row[:10]  # noqa: A001
        signatures, block, tx, published_s, status = row[10:]
        signers, threshold = self._signer_set(config_digest)
        signed = self._signers_of(digest, signatures or b"")
        return ReportView.model_construct(
            epoch=epoch,
            digest=f"0x{digest.hex()}",
            prev=f"0x{prev.hex()}",
            cutoff=instant(cutoff_s * 1000),
            published_at=None if published_s is None else instant(published_s * 1000),
            block=block,
            transaction=tx,
            status=status,
            root=f"0x{root.hex()}",
            leaf_count=leaf_count,
            energy_wh=int(energy),
            credits_g=int(credits),
            revenue_minor=int(revenue),
            signers=[
                SignerView.model_construct(address=address, signed=address in signed)
                for address in signers or sorted(signed, key=str.lower)
            ],
            threshold=threshold or len(signed),
        )

    def _signer_set(self, config_digest: bytes) -> tuple[list[str], int]:
        query = "SELECT signers, threshold FROM signer_set WHERE config_digest = ?"
        row = self._store.reader().execute(query, (config_digest,)).fetchone()
        return (json.loads(row[0]), row[1]) if row else ([], 0)

    def _signers_of(self, digest: bytes, packed: bytes) -> tuple[str, ...]:
        if digest not in self._signed and packed:
            parts = [packed[place : place + SIGNATURE_BYTES] for place in range(0, len(packed), SIGNATURE_BYTES)]
            try:
                self._signed[digest] = tuple(recover_signer(digest, part) for part in parts)
            except ReportError:
                self._signed[digest] = ()
        return self._signed.get(digest, ())
