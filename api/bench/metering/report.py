"""The figures of a run as a table for people. PURE."""

from rich.console import Group
from rich.table import Table
from rich.text import Text

from api.bench.metering.figures import FaultFigures, MeteringFigures


def to_table(figures: MeteringFigures) -> Group:
    """Figures by fault, the worst over all cases; then those of sound series."""
    headers = ("fault", "faulty", "missed", "detected", "too much", "withheld", "returned", "days")
    table = Table(*headers, box=None, header_style="bold", padding=(0, 1, 0, 0), pad_edge=False)
    for column in table.columns:
        column.no_wrap = True
    for column in table.columns[1:]:
        column.justify = "right"
    for one in figures.faults:
        table.add_row(*_row(one))
    said = []
    if figures.clean_attested_ratio is not None:
        readings = figures.clean_readings
        said.append(
            f"\nsound series: {readings.sound_flagged} of {readings.sound} readings flagged "
            f"(worst series {figures.clean_false_alarm_ratio:.3%}); {figures.clean_attested_ratio:.2%} of the energy "
            "attested a day later (worst series)"
        )
    said.append(
        "\ndetected: of the faulty readings of all cases. Worst of all cases: too much (attested above the truth, of the day's "
        "energy), withheld (knowable, and not attested in the end), returned (attested later than a day), days (until a drift "
        "was found). ! misses a goal."
    )
    return Group(table, Text("\n".join(said)))


def _row(one: FaultFigures) -> tuple[str, ...]:
    readings = one.readings
    found = one.found_after_days
    return (
        f"{one.fault.name}{' !' if one.misses else ''}",
        str(readings.faulty),
        str(readings.faulty - readings.faulty_flagged),
        f"{readings.detected_ratio:.1%}" if readings.faulty else "-",
        f"{max(score.wrongly_attested_ratio for score in one.scores):.2%}",
        f"{max(score.wrongly_withheld_ratio for score in one.scores):.2%}",
        f"{max(score.returned_ratio for score in one.scores):.1%}",
        f"{found:.1f}" if found is not None and one.fault.is_drift else "-",
    )
