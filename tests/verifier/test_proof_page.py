"""oracle/PROOF.md is what the programs do."""

import re

import pytest

from oracle.attestation.proof import encode_anchor, encode_proof
from oracle.attestation.verification import STEPS
from oracle.metering import by_power, corroboration, meter, off_chain, sum_check
from oracle.metering.reasons import Reason
from oracle.reporting.eligibility import Refusal
from oracle.reporting.methodologies import METHODOLOGIES
from oracle.reporting.rules import METHOD
from tests.verifier.example import FOLDER, PAGE, example, page_with_figures
from tests.verifier.verdicts import CREDIT_STEPS


@pytest.fixture(scope="module", name="page")
def page_fixture():
    return PAGE.read_text(encoding="utf-8")


def test_the_worked_example_is_what_this_program_computes(page):
    proof, anchor = example()
    assert page == page_with_figures(page)
    assert (FOLDER / "proof.json").read_bytes() == encode_proof(proof)
    assert (FOLDER / "anchor.json").read_bytes() == encode_anchor(anchor)


def test_both_verifiers_accept_the_worked_example(javascript):
    proof, anchor = example()
    (verdict,) = javascript([("the example", encode_proof(proof), anchor)])
    assert verdict == {"held": list(STEPS)}


def test_without_an_anchor_the_last_step_is_not_taken(javascript):
    (verdict,) = javascript([("the example", encode_proof(example()[0]), None)])
    assert verdict == {"held": list(STEPS[:-1])}


def test_the_page_names_the_steps_of_credits(page):
    *_, steps = re.findall(r"\| step \| holds if \|\n(.*?)\n\n", page.partition("## Credits")[2], re.DOTALL)
    assert re.findall(r"^\| `([a-z]+)` \|", steps, re.MULTILINE) == ["document", *CREDIT_STEPS]


def test_the_page_names_every_step_reason_and_methodology(page):
    steps = re.findall(r"^\| `([a-z]+)` \|", page.partition("## Steps")[2].partition("###")[0], re.MULTILINE)
    assert tuple(steps) == ("document", *STEPS)
    named = set(re.findall(r"`([A-Za-z0-9_./-]+)`", page))
    assert {str(reason) for reason in Reason} <= named
    assert {str(refusal) for refusal in Refusal} <= named
    assert set(METHODOLOGIES) | {METHOD} <= named


@pytest.mark.parametrize(
    ("constant", "words"),
    [
        (meter.MAX_NAMEPLATE_W, "nameplate 1 to 10^9 W"),
        (meter.MAX_CONFIRMATIONS, "confirmations 1 to 1000"),
        (meter.LARGEST_RESOLUTION_WH, "resolution 1 to 10^6 Wh"),
        (by_power.NOTICEABLE_PPM, "-power x 10^6 > nameplate x 20 000"),
        (by_power.LONGEST_PAIR_MS, "lie at most 1 800 000 ms apart"),
        (by_power.DAY_TOLERANCE_MS, "nameplate x 10 000 / 3 600 000"),
        (corroboration.LEAP_MS, "nameplate x 900 000 / 3 600 000"),
        (sum_check.TOLERANCE_PPM, "delivered > supplied x 1 010 000 / 10^6"),
        (sum_check.TOLERANCE_MS, "P x 10 000 / 3 600 000"),
        (sum_check.RUNNING_TOLERANCE_MS, "P x 360 000 / 3 600 000"),
        (sum_check.UNDER_WAY_PPM, "nameplate x 24 x 1000 / 10^6"),
        (sum_check.FIRST_DAYS, "the first 7 complete stretches"),
        (sum_check.DRIFT_DAYS, "over the last 3 complete ones"),
        (sum_check.DRIFT_PPM, "above share x 1.007, or below share x 0.993"),
        (sum_check.UNKNOWN_SHARE[0], "or 95/100 while there are none"),
        (100 - sum_check.MOST_LOSS_PERCENT, "at least 90 % arrived"),
        (by_power.TOO_MUCH_TIMES_HALVES, "2 x rise > 3 x"),
        (off_chain.RETURNS, "at three or more places"),
    ],
)
def test_the_page_states_the_constants_of_the_program(page, constant, words):
    assert words in " ".join(page.split())
    spoken = {"three": 3, "1.007": 7_000, "1 010 000": 10_000, "10^9": 10**9, "10^6": 10**6}
    digits = re.sub(r"(?<=\d) (?=\d{3})", "", words)
    said = {int(number) for number in re.findall(r"\d+", digits)} | {n for text, n in spoken.items() if text in words}
    assert constant in said
