"""Bodies of requests: read in one strict form."""

import pytest
from pydantic import ValidationError

from api.transactions.orders import ClaimOrder, CommissionOrder, DepositOrder, MeterOrder, RetireOrder, RotateOrder

OWNER = "0x2BD0C9FE079c8FcA0E3352eb3D02839c371E5c41"
RETIRE = {"project_id": "hunan", "vintage": 2026, "grams": 1}
DEPOSIT = {"asset_id": "roof-7", "month": 202610, "minor": 5}
SIGNATURE = "0x" + "1b" * 65
KEY = {"device_id": "dev-1", "thumbprint": "0x" + "ab" * 32, "baseline_wh": 0, "baseline_at": "2026-06-01T00:00:00Z"}


@pytest.mark.parametrize(
    "changes",
    [
        {"grams": 0},
        {"grams": 2**80},
        {"grams": "1"},
        {"grams": 1.0},
        {"grams": True},
        {"vintage": 1969},
        {"project_id": "a" * 29},
        {"project_id": "-a"},
        {"project_id": "a\n"},
        {"name": "n" * 129},
        {"name": "\ud800"},
        {"purpose": "p" * 513},
        {"purpose": "\udfff"},
        {"salt": "0x00"},
        {"beneficiary": OWNER[:-1]},
        {"beneficiary": OWNER[:-1] + "2"},
        {"beneficiary": OWNER.swapcase()},
        {"what": "is this"},
    ],
)
def test_what_is_no_retirement_is_refused(changes):
    RetireOrder.model_validate(RETIRE)
    with pytest.raises(ValidationError):
        RetireOrder.model_validate(RETIRE | changes)


@pytest.mark.parametrize("given", [OWNER, OWNER.lower(), "0x" + OWNER[2:].upper()])
def test_accounts_are_checksummed(given):
    assert RetireOrder.model_validate(RETIRE | {"beneficiary": given}).beneficiary == OWNER


@pytest.mark.parametrize(
    ("given", "seconds"),
    [
        ("2026-06-01T00:00:00Z", 1_780_272_000),
        ("2026-06-01t00:00:00z", 1_780_272_000),
        ("2026-06-01T08:00:00.5+08:00", 1_780_272_000.5),
        ("1970-01-01T00:00:00Z", 0),
    ],
)
def test_instants_have_an_offset(given, seconds):
    assert CommissionOrder.model_validate({"commissioned_at": given}).commissioned_at.timestamp() == seconds


@pytest.mark.parametrize(
    "given",
    [
        "2026-06-01T00:00:00", "2026-06-01", 1_780_272_000, "1969-12-31T23:59:59Z", "2026-02-30T00:00:00Z", "", None,
        "2026-06-01T24:00:00Z", "٢٠٢٦-06-01T00:00:00Z",
    ],
)  # fmt: skip
def test_what_is_no_instant_is_refused(given):
    with pytest.raises(ValidationError):
        CommissionOrder.model_validate({"commissioned_at": given})


def test_a_permit_is_given_whole():
    DepositOrder.model_validate(DEPOSIT)
    DepositOrder.model_validate(DEPOSIT | {"deadline": "2026-06-01T00:00:00Z"})
    DepositOrder.model_validate(DEPOSIT | {"deadline": "2026-06-01T00:00:00Z", "signature": SIGNATURE})
    with pytest.raises(ValidationError, match="comes with the deadline"):
        DepositOrder.model_validate(DEPOSIT | {"signature": SIGNATURE})


def test_everything_is_claimed_where_nothing_is_named():
    assert ClaimOrder.model_validate({}) == ClaimOrder(asset_id=None, months=None, to=None)
    with pytest.raises(ValidationError):
        ClaimOrder.model_validate({"months": [202610] * 241})


def test_a_register_is_below_two_to_the_53():
    MeterOrder.model_validate(KEY | {"meter_id": "m", "nameplate_w": 10**9, "baseline_wh": 2**53 - 1})
    for changes in ({"baseline_wh": 2**53}, {"nameplate_w": 10**9 + 1}, {"role": "pump"}):
        with pytest.raises(ValidationError):
            MeterOrder.model_validate(KEY | {"meter_id": "m", "nameplate_w": 1} | changes)


def test_a_key_is_never_cut_off_at_the_number_that_means_valid():
    with pytest.raises(ValidationError):
        RotateOrder.model_validate(KEY | {"revoked_boot": 2**64 - 1, "revoked_sequence": 0})
