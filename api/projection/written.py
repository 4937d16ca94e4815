"""Pages of the ledger written as JSON straight from its rows.

A model for each row costs three times what the database does, and nobody sees it. Both ways must give the same bytes, which
a test holds them to.
"""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Generic, TypeVar

from pydantic import BaseModel

from api.projection.instants import instant

Item = TypeVar("Item", bound=BaseModel)


@dataclass(frozen=True)
class WrittenPage(Generic[Item]):
    """A page of which each item is JSON already."""

    texts: Sequence[str]
    next: str | None
    models: Callable[[], list[Item]]
    """Makes the items as models: for CSV, and whoever looks at them."""

    @property
    def items(self) -> list[Item]:
        """The items as models."""
        return self.models()

    def to_json(self, following: str | None) -> bytes:
        """Write the page, with the cursor of the next one as it is to be told."""
        told = "null" if following is None else json.dumps(following)
        return f'{{"items":[{",".join(self.texts)}],"next":{told}}}'.encode()


def production_text(  # noqa: PLR0913, PLR0917  the members in their order
    start_ms: int, end_ms: int, attested_wh: int, withheld_wh: int, disputed_wh: int, unsettled_ms: int
) -> str:
    """Write one item of production, minted if it ended by an instant [ms UTC]."""
    minted = "null" if not attested_wh else "true" if end_ms <= unsettled_ms else "false"
    return (
        f'{{"start":"{instant_text(start_ms)}","end":"{instant_text(end_ms)}","attested_wh":{attested_wh},'
        f'"withheld_wh":{withheld_wh},"disputed_wh":{disputed_wh},"minted":{minted}}}'
    )


def account_text(meter: str, start_ms: int, end_ms: int, standing: str, reason: str, wh: int) -> str:  # noqa: PLR0913, PLR0917
    """Write one account."""
    kind, says = _account_words(standing, reason)
    return (
        f'{{"meter_id":{_quoted(meter)},"start":"{instant_text(start_ms)}","end":"{instant_text(end_ms)}",'
        f'{kind},"wh":{wh},{says}}}'
    )


@lru_cache(maxsize=65_536)
def instant_text(time_ms: int) -> str:
    """Write an instant [ms UTC] as RFC 3339 in UTC."""
    return instant(time_ms).isoformat().removesuffix("+00:00") + "Z"


@lru_cache(maxsize=1024)
def _account_words(standing: str, reason: str) -> tuple[str, str]:
    code = reason or "attested"
    return (
        f'"standing":{json.dumps(standing)},"reason":{json.dumps(reason)}',
        f'"says":{json.dumps(f"reasons.{code}.why")},"do":{json.dumps(f"reasons.{code}.do")}',
    )


@lru_cache(maxsize=8192)
def _quoted(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)
