"""Energy certificates: the other claim that a watt-hour can back, issued by interval of at most an hour.

    readings     09:55     10:00     10:40        11:20     12:00
                   |---------|---------|------------|---------|
    intervals                [ 10:00              [ 11:00
    certified                 10:00-10:40           11:20-12:00
    never                                10:40-11:20

A register difference counts only if it lies within one interval: of one that crosses an end, nobody knows how much belongs
where, and a certificate says when. Energy that is corroborated late is issued late, with the numbers that follow. What is
issued stays, and the asset issues no more than the highest total that its registers have shown.

Source: EnergyTag, Granular Certificate Scheme Standard, version 2: production period of at most one hour, volume rounded
down to the whole Wh.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from contracts.state import ClaimRight
from oracle.errors import ReportError
from oracle.metering.interval import closing_interval_start
from oracle.metering.settlement import Settlement, Standing
from oracle.reporting.advance import raised
from oracle.reporting.eligibility import document_refusal
from oracle.reporting.registry import ListedAsset
from oracle.reporting.statement import Statement
from oracle.reporting.terms import AssetTerms

LONGEST_INTERVAL_MS = 3_600_000


class CertificateKey(NamedTuple):
    """What a certificate is of; in the order of issue."""

    start_ms: int
    """Start of the production interval [ms UTC]."""
    meter_id: str


@dataclass(frozen=True)
class Bundle:
    """Certificates of 1 Wh each over one meter's interval, numbered within it."""

    key: CertificateKey
    first: int
    """Number of the first certificate: how many were issued over this interval before."""
    energy_wh: int
    """How many certificates there are [Wh]."""


@dataclass(frozen=True)
class Certifiable:
    """Attested energy of an asset, by what can be certified of it. The three add up to all of it."""

    energy_wh: Mapping[CertificateKey, int]
    """Energy within closed intervals [Wh]."""
    crossing_wh: int
    """Energy of differences that do not lie within one interval [Wh]."""
    open_wh: int
    """Energy of intervals that end after the cutoff [Wh]."""


def check_interval(interval_ms: int) -> None:
    """Make sure that an interval is one that certificates may be issued over.

    Raises:
        ReportError: it is longer than an hour, or hours are no multiple of it.

    """
    if not 0 < interval_ms <= LONGEST_INTERVAL_MS or LONGEST_INTERVAL_MS % interval_ms:
        raise ReportError("a certificate's interval is an hour, or a whole part of one")


def certificate_refusal(listed: ListedAsset, terms: AssetTerms, statements: Sequence[Statement]) -> str | None:
    """Say why no certificates may be issued over an asset's energy; None if they may.

    Args:
        listed: what the registry says of the asset.
        terms: what the rules say of it.
        statements: its statements, all vintages.

    """
    right = listed.project.claim_right
    if right is ClaimRight.CREDIT:
        return "its energy backs carbon credits: the same watt-hour backs one claim"
    if right is not ClaimRight.CERTIFICATE:
        return "nobody has assigned the claim on its energy to the project"
    if refusal := document_refusal(listed, terms):
        return f"{refusal}: the document that grants the right is not named, or is not the one in the rules"
    for statement in statements:
        if statement.credits_g.issued:
            return f"{statement.credits_g.issued} gCO2e of credits stand over its vintage {statement.vintage}"
    return None


def certifiable(meters: Mapping[str, Settlement], interval_ms: int, cutoff_ms: int) -> Certifiable:
    """Sort an asset's attested energy by what can be certified of it.

    Args:
        meters: settlement of the registers that count, by meter id.
        interval_ms: length of the production interval [ms].
        cutoff_ms: instant up to which readings were considered [ms UTC].

    Raises:
        ReportError: certificates may not be issued over such an interval.

    """
    check_interval(interval_ms)
    energy_wh: dict[CertificateKey, int] = {}
    crossing_wh = open_wh = 0
    for meter_id, settled in sorted(meters.items()):
        counts = (settled.standing == Standing.ATTESTED) & (settled.energy_wh > 0)
        start_ms = closing_interval_start(settled.end_ms, interval_ms)
        within = settled.start_ms >= start_ms
        closed = start_ms + interval_ms <= cutoff_ms
        crossing_wh += int(settled.energy_wh[counts & ~within].sum())
        open_wh += int(settled.energy_wh[counts & within & ~closed].sum())
        chosen = counts & within & closed
        starts, place = np.unique(start_ms[chosen], return_inverse=True)
        sums = np.zeros(len(starts), dtype=np.int64)
        np.add.at(sums, place, settled.energy_wh[chosen])
        for start, wh in zip(starts, sums, strict=True):
            energy_wh[CertificateKey(int(start), meter_id)] = int(wh)
    return Certifiable(energy_wh, crossing_wh, open_wh)


def newly_issued(before: Mapping[CertificateKey, int], energy_wh: Mapping[CertificateKey, int]) -> list[Bundle]:
    """Bundles that bring what is issued up to what can be certified; the oldest interval first, none is taken back.

    Args:
        before: issued so far [Wh].
        energy_wh: what can be certified now [Wh].

    """
    after = raised(before, energy_wh)
    return [
        Bundle(key, before.get(key, 0), after[key] - before.get(key, 0))
        for key in sorted(after)
        if after[key] > before.get(key, 0)
    ]
