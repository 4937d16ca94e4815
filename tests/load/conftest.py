import random
from types import SimpleNamespace

import pytest

from tests.load.loaded_site import loaded_site


@pytest.fixture
def kills(request):
    """How often something is killed."""
    return request.config.getoption("kills")


@pytest.fixture
def fuzz(request):
    """How many payloads are made up."""
    return request.config.getoption("fuzz")


@pytest.fixture
def seeded(request):
    """`.seed`, printed, so that a failure can be looked at again, and `.random`, made from it."""
    seed = request.config.getoption("seed")
    if seed is None:
        seed = random.SystemRandom().randrange(2**32)
    print(f"--seed {seed}")  # noqa: T201  pytest shows it with a failure
    return SimpleNamespace(seed=seed, random=random.Random(seed))


@pytest.fixture
def site(tmp_path, require, seeded):
    """A node, a broker, a chain, a database and gateways, all of them up; stopped by their process ids at the end."""
    with loaded_site(tmp_path, require, seeded.random) as running:
        yield running
