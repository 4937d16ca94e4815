"""oracle/README.md says what the code says."""

import re

import pytest

from devices.telemetry import Reason as TelemetryReason
from oracle.attestation.verification import STEPS
from oracle.headend.admission import AdmissionReason
from oracle.metering.reasons import Reason
from oracle.reporting.advance import Settled
from oracle.reporting.eligibility import Refusal
from oracle.reporting.methodologies import METHODOLOGIES
from oracle.reporting.registry import Objection
from oracle.reporting.report import REPORT_TYPE, TOTALS_TYPE


@pytest.fixture(scope="module", name="readme")
def readme_fixture(repository):
    return (repository / "oracle" / "README.md").read_text(encoding="utf-8")


def section(readme, title):
    return readme.split(f"# {title}\n")[1].split("\n#")[0]


@pytest.mark.parametrize(
    ("page", "title", "codes"),
    [
        ("oracle/metering/README.md", "Reason codes of metering", set(Reason)),
        ("oracle/README.md", "Reason codes of the head-end", {*TelemetryReason, *AdmissionReason, *Objection}),
    ],
)
def test_every_reason_code_is_listed_and_no_other(repository, page, title, codes):
    listed = section((repository / page).read_text(encoding="utf-8"), title)
    assert set(re.findall(r"^\| `(\w+)` \|", listed, re.MULTILINE)) == {str(code.value) for code in codes}


def test_the_steps_of_a_verification_are_listed_in_order(readme):
    assert tuple(re.findall(r"^\| (\w+) \|", section(readme, "Proofs"), re.MULTILINE)[1:]) == STEPS


def test_the_signed_types_are_spelt_out(readme):
    together = re.sub(r"\s+", "", readme)
    assert re.sub(r"\s+", "", REPORT_TYPE) in together
    assert re.sub(r"\s+", "", TOTALS_TYPE) in together


def test_every_refusal_of_credits_and_every_methodology_is_listed(readme):
    listed = section(readme, "Carbon and certificates")
    methods, refusals = listed.split("| credit refusal |")
    assert set(re.findall(r"^\| `(\w+)` \|", refusals, re.MULTILINE)) == set(Refusal)
    assert set(re.findall(r"^\| `([\w.-]+)` \|", methods, re.MULTILINE)) == set(METHODOLOGIES)


def test_the_members_of_a_settlement_are_spelt_out(readme):
    spelt = section(readme, "The report, to the byte")
    members = Settled(1, {}, {}, {}, {}, {}, 0, "", 1).members()
    assert [name for name in members if f'"{name}"' not in spelt] == []
