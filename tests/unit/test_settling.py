"""What is settled: statements that say more than the ledger's marks, and the last report of each month."""

import re
from dataclasses import replace
from types import SimpleNamespace

import pytest

from contracts import artifact
from oracle.metering.interval import month_of
from oracle.reporting.statement import Counter, Statement
from oracle.transmitter.marks import STARTED, SUPERSEDED, Marks
from oracle.transmitter.settling import Settler, closing_reports

CUTOFF_S = 1_780_272_000
STATEMENT = Statement("roof", 2026, Counter(100, 1), Counter(60, 2), Counter(300, 3), CUTOFF_S, bytes(32))
MARKS = Marks(Counter(100, 1), Counter(60, 2), Counter(300, 3), CUTOFF_S, STARTED)
FEBRUARY_S = 1_769_904_000
"""1 February 2026, 00:00 UTC."""
HOUR_S = 3600


def test_the_structs_are_read_in_the_order_of_the_abi():
    (mark_of,) = [one for one in artifact("MarkLedger").abi if one.get("name") == "markOf"]
    mark, correction = ([item["name"] for item in output["components"]] for output in mark_of["outputs"])
    numbers = {name: place for place, name in enumerate([*mark, *correction])}
    read = Marks.from_structs(tuple(numbers[name] for name in mark), tuple(numbers[name] for name in correction))
    assert read == Marks(
        Counter(numbers["energyWh"], numbers["energyReversedWh"]),
        Counter(numbers["creditsG"], numbers["creditsReversedG"]),
        Counter(numbers["revenueMinor"], numbers["revenueReversedMinor"]),
        numbers["cutoff"],
        numbers["flags"],
    )


def test_the_flags_are_the_contracts(repository):
    source = (repository / "contracts/src/ledger/Marks.sol").read_text()
    flags = dict(re.findall(r"constant (STARTED|SUPERSEDED) = (\d+);", source))
    assert flags == {"STARTED": str(STARTED), "SUPERSEDED": str(SUPERSEDED)}


def test_what_the_marks_have_needs_no_settling():
    assert not MARKS.are_behind(STATEMENT)
    assert not replace(MARKS, energy_wh=Counter(101, 2)).are_behind(STATEMENT)


@pytest.mark.parametrize("figure", ["energy_wh", "credits_g", "revenue_minor"])
@pytest.mark.parametrize("counter", ["issued", "reversed"])
def test_one_more_of_any_figure_is_settled(figure, counter):
    marked = getattr(MARKS, figure)
    less = replace(MARKS, **{figure: replace(marked, **{counter: getattr(marked, counter) - 1})})
    assert less.are_behind(STATEMENT)


def test_a_later_cutoff_is_news_in_the_newest_vintage_only():
    later = replace(STATEMENT, cutoff_s=CUTOFF_S + 1)
    assert MARKS.are_behind(later)
    assert not replace(MARKS, flags=STARTED | SUPERSEDED).are_behind(later)
    assert not replace(MARKS, flags=0).are_behind(later)


def test_what_stands_is_issued_less_reversed():
    assert tuple(vars(MARKS.minted).values()) == (99, 58, 297)


@pytest.mark.parametrize(
    ("instant_s", "offset_s", "month"),
    [
        (FEBRUARY_S, 0, 202602),
        (FEBRUARY_S - 1, 0, 202601),
        (FEBRUARY_S - 1, 8 * HOUR_S, 202602),
        (FEBRUARY_S, -HOUR_S, 202601),
        (0, 0, 197001),
    ],
)
def test_months_are_local(instant_s, offset_s, month):
    assert month_of(instant_s * 1000, offset_s) == month


def record(epoch, cutoff_s, *offsets_s):
    assets = tuple(SimpleNamespace(asset_id=f"a{i}", utc_offset_s=offset) for i, offset in enumerate(offsets_s))
    return SimpleNamespace(
        report=SimpleNamespace(epoch=epoch, cutoff_s=cutoff_s), assets=assets, statements=(STATEMENT,)
    )


def epochs(records):
    return [one.report.epoch for one in closing_reports(records)]


def test_of_one_month_the_newest_report_is_enough():
    assert epochs([record(n, FEBRUARY_S - (9 - n) * HOUR_S, 0) for n in range(1, 10)]) == [9]
    assert epochs([]) == []


def test_the_last_report_of_a_month_is_settled_before_the_next_months():
    """A cutoff on the first of February closes January."""
    assert epochs([record(n, FEBRUARY_S + (n - 3) * HOUR_S, 0) for n in range(1, 6)]) == [3, 5]


def test_months_of_all_assets_count():
    records = [record(n, FEBRUARY_S + (n - 3) * HOUR_S, 0, HOUR_S) for n in range(1, 6)]
    assert epochs(records) == [2, 3, 5]


class Ledger:
    """A chain that knows what it was told to settle."""

    def __init__(self, active):
        self.active = active
        self.settled = []

    def active_epoch(self):
        return self.active

    def unsettled(self, statements):
        return list(statements)

    def settle(self, epoch, statements, tree):
        assert [one.leaf for one in statements] == list(tree.leaves)
        self.settled.append(epoch)
        return [f"0x{epoch}"]


def journal_of(*records):
    known = {one.report.epoch: one for one in records}
    return SimpleNamespace(report=known.get)


def test_reports_are_settled_once_and_up_to_the_active_one():
    records = [record(n, FEBRUARY_S + (n - 3) * HOUR_S, 0) for n in range(1, 8)]
    ledger = Ledger(active=5)
    settler = Settler(journal_of(*records), ledger)
    assert settler.settle() == ["0x3", "0x5"]
    assert settler.settle() == []
    ledger.active = 6
    assert settler.settle() == ["0x6"]


def test_a_report_that_has_yet_to_be_taken_in_is_settled_then():
    records = [record(n, FEBRUARY_S - (9 - n) * HOUR_S, 0) for n in (1, 2, 3)]
    ledger = Ledger(active=3)
    known = {}
    settler = Settler(SimpleNamespace(report=known.get), ledger)
    assert settler.settle() == []
    known.update({one.report.epoch: one for one in records})
    assert settler.settle() == ["0x3"]


def test_a_refused_settlement_is_tried_again():
    ledger = Ledger(active=1)
    settler = Settler(journal_of(record(1, FEBRUARY_S, 0)), ledger)
    accept, ledger.settle = ledger.settle, refuse
    with pytest.raises(ConnectionError):
        settler.settle()
    ledger.settle = accept
    assert settler.settle() == ["0x1"]


def refuse(*_arguments):
    raise ConnectionError
