"""What is due to a holder, by the sums that the contracts keep."""

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from api.transactions.entitlement import Due

ATTESTED = st.integers(1, 2**63)


@st.composite
def holders(draw):
    """A holder of units since the month began, who has claimed what was due when `seen` was distributable."""
    attested = draw(ATTESTED)
    written_down = draw(st.integers(0, attested))
    distributable = draw(st.integers(0, attested - written_down))
    earned = draw(st.integers(0, attested))
    taken = draw(st.integers(0, earned))
    seen = draw(st.integers(0, distributable))
    return Due(
        earned=earned,
        taken=taken,
        units=taken,
        product=taken * seen,
        seen=seen,
        claimed=taken * seen // attested,
        attested=attested,
        written_down=written_down,
        distributable=distributable,
    )


@given(holders())
def test_a_holder_is_due_its_part_of_what_came(due):
    assert due.claimable_down == due.earned * due.distributable // due.attested - due.claimed >= 0


@given(holders())
def test_claimed_claimable_and_awaited_are_its_part_of_what_can_come(due):
    whole = due.earned * (due.attested - due.written_down) // due.attested
    assert due.claimed + due.claimable_down + due.awaited_down == whole


@given(holders())
def test_collecting_moves_nothing_but_units(due):
    """As RevenueShare mints late units: product += units x distributable."""
    product = due.product + due.units * (due.distributable - due.seen) + due.uncollected * due.distributable
    collected = replace(due, taken=due.earned, units=due.earned, product=product, seen=due.distributable)
    assert collected.claimable_down == due.claimable_down
    assert collected.awaited_down == due.awaited_down


@given(holders())
def test_after_a_claim_nothing_is_claimable(due):
    claimed = replace(due, claimed=due.claimed + due.claimable_down)
    assert claimed.claimable_down == 0
    assert claimed.awaited_down == due.awaited_down


def test_before_a_month_is_over_all_is_awaited():
    due = Due(earned=70, taken=0, units=0, product=0, seen=0, claimed=0, attested=100, written_down=0, distributable=0)
    assert (due.claimable_down, due.awaited_down) == (0, 70)


def test_a_month_without_revenue_is_due_nothing():
    due = Due(earned=0, taken=0, units=0, product=0, seen=0, claimed=0, attested=0, written_down=0, distributable=0)
    assert (due.claimable_down, due.awaited_down) == (0, 0)
