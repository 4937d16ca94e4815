import shutil

import pytest

from tests.verifier.proofs import made_up_proof
from tests.verifier.verdicts import MODULES, javascript_verdicts

GOOD = 100
"""One in four is a whole site over two weeks, one in ten of a plant with credits."""


@pytest.fixture(scope="session", name="javascript")
def javascript_fixture(require):
    """The second verifier."""
    require("node", shutil.which("node"), "install Node.js 20 or newer")
    require("@noble/curves", (MODULES / "@noble" / "curves").is_dir(), "npm ci in contracts/")
    return javascript_verdicts


@pytest.fixture(scope="session", name="good")
def good_fixture():
    return [made_up_proof(seed, of_site=seed % 4 == 3, with_credits=seed % 10 == 0) for seed in range(GOOD)]
