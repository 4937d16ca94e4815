"""The HTTP API under what Schemathesis makes up: a minute, or as long as you like by command (`--api-minutes 20`)."""

import random

import pytest

from tests.integration.conftest import settled_system
from tests.support.api_fuzzing import Fuzzing
from tests.support.authorised_site import authorised_site

REACHED = 0.9
"""Share of operations that must have answered 2xx."""
SHOWN = 20
SEED = 1
"""Of the minute that all tests take: what is found by chance is found by longer runs, not by whoever changed something else."""


@pytest.fixture(scope="module", name="fuzzing")
def fuzzing_fixture(tmp_path_factory, request):
    seed = request.config.getoption("seed")
    if seed is None:
        seed = SEED if request.config.getoption("api_minutes") <= 1 else random.randrange(2**32)
    folder = tmp_path_factory.mktemp("fuzzed")
    with settled_system(folder) as system, authorised_site(folder, system) as site:
        fuzzing = Fuzzing(site, seed)
        fuzzing.seed_number = seed
        yield fuzzing


@pytest.mark.filterwarnings("default")  # Schemathesis and Hypothesis warn of what is their own business
def test_no_answer_breaks_the_description_and_every_error_says_what_to_do(fuzzing, request, record_property):
    fuzzing.run(60 * request.config.getoption("api_minutes"))
    told = "\n".join(list(fuzzing.failures.values())[:SHOWN])
    record_property("requests", sum(fuzzing.calls.values()))
    assert not fuzzing.failures, f"--seed {fuzzing.seed_number}: {len(fuzzing.failures)} findings\n{told}"
    missed = sorted(set(fuzzing.operations) - {name for name, count in fuzzing.good.items() if count})
    assert len(missed) <= (1 - REACHED) * len(fuzzing.operations), missed
    assert set(fuzzing.calls) == set(fuzzing.operations)


def test_every_type_of_problem_that_came_is_explained_by_the_server(fuzzing):
    assert len(fuzzing.types) > 3
    for kind in fuzzing.types:
        answer = fuzzing.site.client.get(kind)
        assert (answer.status_code, answer.headers["content-type"].split(";")[0]) == (200, "text/html"), kind
