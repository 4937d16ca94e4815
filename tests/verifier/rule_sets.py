"""Rules made up from a seed."""

import random

from oracle.metering.ceiling import HALF_HOURS, HALF_MONTHS, Ceiling
from oracle.reporting.factors import SOLAR_OPERATING_WEIGHT_PPM, EmissionFactor, FactorKind, Margins
from oracle.reporting.methodologies import METHODOLOGIES
from oracle.reporting.rules import MeterLimits, Rules
from oracle.reporting.terms import AssetTerms, Tariff


def made_up_rules(
    rng: random.Random,
    asset_id: str,
    methodology: str,
    document: bytes,
    limits: dict[str, MeterLimits],
    *,
    with_credits: bool,
) -> Rules:
    """Rules for one asset and another, under a methodology and a document that are mostly those of the registry."""
    factor = made_up_factor(rng) if with_credits or rng.random() < 0.8 else None
    methodologies = (methodology,) if with_credits else (methodology,) * 5 + tuple(METHODOLOGIES)
    documents = (None, document.hex()) if with_credits else (None, document.hex(), document.hex(), bytes(32).hex())
    later = {2026: made_up_factor(rng)} if factor and rng.random() < 0.5 else {}
    terms = {
        named: AssetTerms(
            named,
            Tariff("feed-in", rng.randrange(4_000_000), "a contract"),
            factor,
            later,
            methodology=rng.choice(methodologies),
            deduction_ppm=rng.choice((0, 0, 50_000) if with_credits else (0, 0, 50_000, 1_000_000)),
            document_sha256=rng.choice(documents),
        )
        for named in (asset_id, "elsewhere-1")
    }
    ceilings = {asset_id: made_up_ceiling(rng)} if rng.random() < 0.4 else {}
    return Rules(
        terms,
        rated_overload_ppm=rng.choice((1_100_000, 1_250_000)),
        limits=limits,
        confirmations=rng.choice((1, 2, 4, 4)),
        ceilings=ceilings,
    )


def made_up_factor(rng: random.Random) -> EmissionFactor:
    margins = Margins(SOLAR_OPERATING_WEIGHT_PPM)
    g_per_mwh = rng.randrange(900_000)
    if rng.random() < 0.5:
        margins = Margins(SOLAR_OPERATING_WEIGHT_PPM, rng.randrange(900_000), rng.randrange(900_000))
        g_per_mwh = margins.combined_g_per_mwh or 0
    return EmissionFactor(
        "south", g_per_mwh, FactorKind.COMBINED_MARGIN, 2023, "a source", "free", "a grid", margins,
        rng.choice((None, bytes(32).hex())),
    )  # fmt: skip


def made_up_ceiling(rng: random.Random) -> Ceiling:
    """A sun of full power from some hour to some other, a little different in each half of a month."""
    table = []
    for _ in range(HALF_MONTHS):
        rises, sets = rng.randint(8, 11), rng.randint(37, 40)
        table += [rng.randint(900_000, 1_200_000) if rises <= slot < sets else 0 for slot in range(HALF_HOURS)]
    return Ceiling(tuple(table))


def made_up_limits(rng: random.Random, meter_id: str, modulus_wh: int | None, start_ms: int) -> MeterLimits:
    due_ms = start_ms + rng.randrange(10**8) if rng.random() < 0.5 else None
    return MeterLimits(meter_id, 1_200_000, rng.choice((1, 10)), modulus_wh, due_ms, rng.randrange(20_000))
