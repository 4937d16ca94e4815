"""A projection beside a journal whose envelopes were used in reports."""

from contextlib import closing
from types import SimpleNamespace

import pytest

from api.projection.projection import Projection
from oracle.journal.journal import Journal
from tests.support.reported_journal import filled

NETWORK = "demo"


@pytest.fixture
def path(tmp_path):
    return tmp_path / "journal.sqlite"


@pytest.fixture
def journal(path, fleet, steady):
    """A node's journal, of three reports, open to be written."""
    with closing(Journal.open(path, NETWORK)) as journal:
        filled(journal, fleet, steady)
        yield journal


@pytest.fixture
def open_projection(tmp_path, fleet):
    """Open a projection of the fleet's network, by default always the same file."""
    opened = []

    def open_one(name="projection.sqlite", **options):
        named = {"network": NETWORK, "rules": fleet.rules} | options
        opened.append(Projection.open(tmp_path / name, **named))
        return opened[-1]

    yield open_one
    for projection in opened:
        projection.close()


@pytest.fixture
def followed(journal, path, open_projection):
    """A projection that has read the journal to its end, and its follower."""
    projection = open_projection()
    follower = projection.follow_journal(path)
    follower.catch_up()
    return SimpleNamespace(projection=projection, follower=follower, journal=journal, path=path)


@pytest.fixture
def empty(open_projection):
    """A projection that follows nothing."""
    return open_projection()
