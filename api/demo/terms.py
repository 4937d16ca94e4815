"""Factors, tariffs and ceilings that the demo runs with, each with its source. Figures of a demonstration: check them before real use."""

import hashlib

from api.configuration.factor_table import shipped_factors
from contracts.state import Assurance, ClaimRight
from oracle.reporting.methodologies import METHODOLOGIES
from oracle.reporting.terms import Tariff

MINOR_PER_HKD = 1_000_000

CENTRAL_CHINA_GRID = shipped_factors()["cn-central-2019-solar"]
HONG_KONG_FEED_IN = Tariff(
    tariff_id="hk-fit",
    minor_per_mwh=2500 * MINOR_PER_HKD,
    source="HKSAR Government, press release of 26 April 2022: HKD 2.5 a kWh above 200 kW, the lowest class, taken for all sizes here",
)
HUNAN_FEED_IN = Tariff(
    tariff_id="cn-hunan-benchmark",
    minor_per_mwh=490 * MINOR_PER_HKD,
    source="Hunan coal benchmark price CNY 0.45 a kWh, at an assumed HKD 1.09 per CNY, rounded down",
)
RECORDED_TARIFF = Tariff(
    tariff_id="recorded-demo", minor_per_mwh=1000 * MINOR_PER_HKD, source="assumed for recorded files: HKD 1 a kWh"
)
CREDIT_DOCUMENT = b"Demonstration only: the owners of the Hunan plants assign the carbon credits of their net generation to this project."

CLAIM_RIGHTS = {"hongkong": ClaimRight.NONE, "hunan": ClaimRight.CREDIT, "recorded": ClaimRight.NONE}
"""Where a utility sells certificates over the same energy, as under Hong Kong's feed-in tariff, there is no right to credits."""
ASSURANCES = {
    "hongkong": Assurance.DEVICE_SIGNED,
    "hunan": Assurance.DEVICE_SIGNED,
    "recorded": Assurance.RECORDED,
}
TARIFFS = {"hongkong": HONG_KONG_FEED_IN, "hunan": HUNAN_FEED_IN, "recorded": RECORDED_TARIFF}
FACTORS = {"hongkong": None, "hunan": CENTRAL_CHINA_GRID, "recorded": None}
METHODOLOGY = METHODOLOGIES["AMS-I.D"].on_chain
SIMULATED_CAPACITY_CEILING_PPM = 400_000
"""No fixed solar plant reaches 40 % of nameplate around the clock."""
RECORDED_CAPACITY_CEILING_PPM = 1_100_000
"""A recording may be one sunny noon: only the inverter itself bounds it."""

SHARES = 1_000_000
"""Shares of each asset, all of them the owner's at first."""
SHARE_SYMBOL = "SUN"
COUNTRIES = {"hongkong": 344, "hunan": 156, "recorded": 344}
"""Where the owners live, ISO 3166-1 numeric."""
IDENTITY_VALID_S = 5 * 365 * 86_400
BUFFER_BPS = 1_000
"""A tenth of each mint of credits is put aside for corrections."""
RATE_DAYS_AT_ONCE = 3_660
"""A demo settles in a minute what took a recording years: the rate limit lets ten of them through at once."""


def document_hash(project_id: str) -> bytes:
    """SHA-256 of the document that grants a project's claim right; 32 zero bytes where there is no right."""
    return hashlib.sha256(CREDIT_DOCUMENT).digest() if CLAIM_RIGHTS[project_id] is not ClaimRight.NONE else bytes(32)
