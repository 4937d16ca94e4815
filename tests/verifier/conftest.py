import shutil

import pytest

from tests.verifier.proofs import made_up_proof
from tests.verifier.verdicts import MODULES, javascript_verdicts

GOOD = 100
SITES = 10
"""Of them are whole sites over two weeks."""


@pytest.fixture(scope="session", name="javascript")
def javascript_fixture(require):
    """The second verifier."""
    require("node", shutil.which("node"), "install Node.js 20 or newer")
    require("@noble/curves", (MODULES / "@noble" / "curves").is_dir(), "npm ci in contracts/")
    return javascript_verdicts


@pytest.fixture(scope="session", name="good")
def good_fixture():
    return [made_up_proof(seed, of_site=seed >= GOOD - SITES) for seed in range(GOOD)]
