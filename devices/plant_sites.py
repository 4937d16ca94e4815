"""Where simulated plants stand: rooftops and a farm in Hong Kong, village plants in Hunan."""

from dataclasses import dataclass, replace


@dataclass(frozen=True)
class PlantSite:
    """A photovoltaic plant and its weather, as far as the model needs them."""

    name: str
    """Identifier."""
    latitude: float
    """Degrees north."""
    longitude: float
    """Degrees east."""
    tilt_deg: float
    """0 is flat, 90 upright."""
    azimuth_deg: float
    """Where the modules look: 180 is south."""
    nameplate_w: int
    """AC power that the inverter is built for and cut off at [W]."""
    utc_offset_minutes: int
    """Local time minus UTC, fixed the whole year [min]."""
    region: str = "hongkong"
    """Which scheme it feeds in under."""
    altitude_m: float = 20.0
    linke_turbidity: float = 4.5
    """Haze of the clear sky (Linke): 2 is clean mountain air, 5 a humid city."""
    sunshine: float = 0.32
    """Mean share of the sky without cloud, above 0 and below 1."""
    mean_temperature_c: float = 23.0
    """Mean of the year [deg C]."""
    summer_rise_k: float = 6.0
    """How far the July mean lies above the year's [K]."""
    dc_ac_ratio: float = 1.15
    """Module power over inverter power."""


_HUNAN = PlantSite(
    name="hunan",
    latitude=28.14,
    longitude=113.64,
    tilt_deg=22,
    azimuth_deg=180,
    nameplate_w=30_000,
    utc_offset_minutes=480,
    region="hunan",
    altitude_m=80,
    linke_turbidity=4.8,
    sunshine=0.26,
    mean_temperature_c=17.5,
    summer_rise_k=11.5,
)

DEFAULT_SITES = (
    PlantSite("shamshuipo-rooftop", 22.331, 114.160, 10, 180, 48_000, 480),
    replace(_HUNAN, name="liuyang-village"),
    PlantSite("yuenlong-farm", 22.445, 114.022, 15, 170, 120_000, 480, sunshine=0.34),
    replace(_HUNAN, name="pingjiang-village", latitude=28.70, longitude=113.58, altitude_m=95, nameplate_w=60_000),
    PlantSite("tuenmun-school", 22.391, 113.973, 10, 200, 30_000, 480),
    replace(_HUNAN, name="taoyuan-village", latitude=28.90, longitude=111.49, altitude_m=50, nameplate_w=100_000),
)
"""Real places; sizes are typical ones."""


def default_sites(count: int) -> list[PlantSite]:
    """Return `count` sites, cycling through DEFAULT_SITES, each with a name and a roof of its own."""
    kinds = len(DEFAULT_SITES)
    return [
        replace(
            DEFAULT_SITES[number % kinds],
            name=f"{DEFAULT_SITES[number % kinds].name}-{number // kinds + 1}",
            azimuth_deg=DEFAULT_SITES[number % kinds].azimuth_deg + 5.0 * (number // kinds % 5),
        )
        for number in range(count)
    ]
