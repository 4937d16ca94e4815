"""The fleet that is settled, and what it produces in each hour of its days. Pure, and the same in every run."""

from dataclasses import dataclass
from datetime import UTC, datetime

from oracle.reporting.keccak import keccak256
from oracle.reporting.statement import Counter, Statement

UTC_OFFSET_S = 8 * 3600
YEAR = 2027
NEW_YEAR_S = int(datetime(YEAR, 1, 1, tzinfo=UTC).timestamp()) - UTC_OFFSET_S
COMMISSIONED_S = NEW_YEAR_S - 400 * 86_400
FIRST_DAY = 151
"""The first day that is settled: 1 June, so that a few days follow within its month."""
MONTHS_LATER = (181, 212)
"""1 July, 1 August."""
CHAIN_START_S = NEW_YEAR_S
HOUR_S = 3600
DAY_S = 86_400
HOURS = 24

KINDS = ("roof", "factory", "school", "carpark", "farm")
PLACES = ("foshan", "liuyang", "wuzhou", "putian", "ganzhou", "yiyang", "chenzhou")
PROJECTS = ("guangdong-rooftops", "hunan-factories", "fujian-schools", "jiangxi-carparks")
SHARE_OF_DAY = (0, 0, 0, 0, 0, 0, 8, 31, 62, 91, 113, 126, 131, 126, 113, 91, 62, 33, 13, 0, 0, 0, 0, 0)
"""Energy of each local hour of a clear day in June, in 1/1000 of the day."""
MINOR_PER_WH = 453
"""0.453 HKD/kWh, in millionths of a dollar."""
GRAMS_PER_KWH = 570
FACTOR_CEILING_G_PER_MWH = 800_000
TARIFF_CEILING_MINOR_PER_MWH = 600_000_000
CAPACITY_FACTOR_CEILING_PPM = 250_000


@dataclass(frozen=True)
class Amount:
    """What an asset produced in some time."""

    energy_wh: int = 0
    credits_g: int = 0
    revenue_minor: int = 0

    def __add__(self, other: "Amount") -> "Amount":
        return Amount(
            self.energy_wh + other.energy_wh,
            self.credits_g + other.credits_g,
            self.revenue_minor + other.revenue_minor,
        )


@dataclass(frozen=True)
class Plant:
    """One asset of the fleet."""

    number: int
    project_id: str

    @property
    def asset_id(self) -> str:
        """Its name, such as `liuyang-factory-0042`."""
        place, kind = PLACES[self.number % len(PLACES)], KINDS[self.number // 3 % len(KINDS)]
        return f"{place}-{kind}-{self.number:04d}"

    @property
    def nameplate_w(self) -> int:
        """Rated power: 5 to 500 kW."""
        return 5_000 + self.number * 7919 % 496 * 1000

    @property
    def owner(self) -> str:
        """The account that its credits belong to."""
        from eth_utils.address import to_checksum_address  # noqa: PLC0415  slow to import

        return str(to_checksum_address(keccak256(f"owner of {self.asset_id}".encode())[12:]))

    def hour(self, day: int, hour: int) -> Amount:
        """What it produces in one hour of a day of the year, both from 0."""
        full_load_h_milli = 3_600 + (self.number * 37 + day * 53) % 900
        energy_wh = self.nameplate_w * full_load_h_milli * SHARE_OF_DAY[hour] // 1_000_000
        return Amount(energy_wh, energy_wh * GRAMS_PER_KWH // 1000, energy_wh * MINOR_PER_WH)

    def until(self, days: int) -> Amount:
        """What it has produced from New Year's Day to the end of so many days."""
        total = Amount()
        for day in range(days):
            for hour in range(HOURS):
                if SHARE_OF_DAY[hour]:
                    total += self.hour(day, hour)
        return total


def fleet(assets: int, projects: int) -> list[Plant]:
    """So many plants, spread over so many projects in turn."""
    names = [PROJECTS[i] if i < len(PROJECTS) else f"further-plants-{i:03d}" for i in range(projects)]
    return [Plant(number, names[number % projects]) for number in range(assets)]


def statement_of(plant: Plant, total: Amount, cutoff_s: int) -> Statement:
    """What the nodes say about a plant that has produced so much this year."""
    return Statement(
        asset_id=plant.asset_id,
        vintage=YEAR,
        energy_wh=Counter(total.energy_wh),
        credits_g=Counter(total.credits_g),
        revenue_minor=Counter(total.revenue_minor),
        cutoff_s=cutoff_s,
        evidence_root=keccak256(f"evidence of {plant.asset_id} at {cutoff_s}".encode()),
    )
