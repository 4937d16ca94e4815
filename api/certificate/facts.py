"""What a certificate says, and how its figures are written. Pure, and the same in every locale."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Self

from api.projection.views import RetirementView

_MONTHS = (
    *("January", "February", "March", "April", "May", "June"),
    *("July", "August", "September", "October", "November", "December"),
)
GRAMS_PER_TONNE = 1_000_000


@dataclass(frozen=True)
class CertificateFacts:
    """Everything on a certificate. Two that are equal make the same bytes."""

    number: int
    project_id: str
    vintage: int
    grams: int
    first_serial: int
    last_serial: int
    at: datetime
    beneficiary: str | None
    """The name, as the holder wrote it."""
    beneficiary_hash: str | None
    """Hash of a name that its bearer keeps to itself."""
    beneficiary_address: str
    purpose: str
    """As the holder wrote it."""
    retired_by: str
    block: int
    transaction: str
    report_epoch: int | None
    """The last report that stood on chain when the credits were retired."""
    assets: tuple[str, ...]
    chain_id: int | None
    page_url: str
    """The public page that proves it."""

    @classmethod
    def of(cls, view: RetirementView, *, report_epoch: int | None, chain_id: int | None, public_url: str) -> Self:
        """Take the facts of a retirement."""
        return cls(
            number=view.number,
            project_id=view.project_id,
            vintage=view.vintage,
            grams=view.grams,
            first_serial=view.first_serial,
            last_serial=view.last_serial,
            at=view.at.astimezone(UTC),
            beneficiary=view.beneficiary,
            beneficiary_hash=view.beneficiary_hash,
            beneficiary_address=view.beneficiary_address,
            purpose=view.purpose,
            retired_by=view.retired_by,
            block=view.block,
            transaction=view.transaction,
            report_epoch=report_epoch,
            assets=tuple(view.assets),
            chain_id=chain_id,
            page_url=page_url(public_url, view.number),
        )


def page_url(public_url: str, number: int) -> str:
    """Address of the public page of a retirement."""
    return f"{public_url.rstrip('/')}/certificates/{number}"


def grouped(number: int) -> str:
    """Write a whole number with a space between thousands."""
    return f"{number:,}".replace(",", " ")


def tonnes(grams: int) -> str:
    """Write grams as tonnes, to the gram."""
    whole, rest = divmod(grams, GRAMS_PER_TONNE)
    return f"{grouped(whole)}.{rest:06d}"


def day_and_time(at: datetime) -> tuple[str, str]:
    """Write an instant in UTC: day, and time of day."""
    utc = at.astimezone(UTC)
    return f"{utc.day} {_MONTHS[utc.month - 1]} {utc.year}", f"{utc:%H:%M:%S} UTC"


def listed(names: Sequence[str], most: int) -> str:
    """Write names one after the other; beyond `most` only how many more there are."""
    shown = ", ".join(names[:most])
    return shown if len(names) <= most else f"{shown} and {len(names) - most} more"
