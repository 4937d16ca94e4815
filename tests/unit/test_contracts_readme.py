"""The invariants in contracts/README.md are tested, each by a forge test of its name, and none is tested that is not there."""

import re
from pathlib import Path

CONTRACTS = Path(__file__).parents[2] / "contracts"
TEST = re.compile(r"function (?:test|invariant|check)_(\w+)")


def invariants():
    """Names in the first column of the tables under "Invariants"."""
    text = (CONTRACTS / "README.md").read_text(encoding="utf-8")
    section = text.split("\n## Invariants\n")[1].split("\n## ")[0]
    rows = [line.split("|")[1] for line in section.splitlines() if line.startswith("| `")]
    return [name for row in rows for name in re.findall(r"`(\w+)`", row)]


def test_each_invariant_has_a_test_of_its_name_and_each_such_test_its_line():
    text = "".join(path.read_text("utf-8") for path in (CONTRACTS / "test").rglob("*.sol"))
    tests = set(TEST.findall(text))
    named = invariants()
    assert len(named) > 60
    assert set(re.findall(r"Invariant: (\w+)", text)) <= set(named)
    assert len(named) == len(set(named)), "an invariant is listed twice"
    assert set(named) - tests == set()
