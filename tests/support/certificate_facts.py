"""Facts of a certificate that no chain has: for texts and figures that one would not retire for a test."""

from dataclasses import replace
from datetime import UTC, datetime

from api.certificate.facts import CertificateFacts

FACTS = CertificateFacts(
    number=7,
    project_id="hunan-village",
    vintage=2026,
    grams=12_345_678,
    first_serial=1_000_001,
    last_serial=13_345_678,
    at=datetime(2026, 11, 21, 16, 5, tzinfo=UTC),
    beneficiary="A Village School",
    beneficiary_hash=None,
    beneficiary_address="0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed",
    purpose="our roof",
    retired_by="0xfB6916095ca1df60bB79Ce92cE3Ea74c37c5d359",
    block=19_312_004,
    transaction="0x" + "0123456789abcdef" * 4,
    report_epoch=412,
    assets=("liuyang-village-1",),
    chain_id=1,
    page_url="https://sun.example/certificates/7",
)


def facts(**changes):
    return replace(FACTS, **changes)
