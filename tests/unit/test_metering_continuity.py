"""Gaps in the chains of envelopes that devices sign."""

from itertools import permutations

from oracle.metering.continuity import Gap, chain_gaps
from tests.support.listed_devices import ListedDevice


def test_a_missing_envelope_is_named_by_the_one_after_it():
    devices = [ListedDevice(number) for number in range(2)]
    chains = [[device.sign(3) for _ in range(3)] for device in devices]
    for order in permutations(range(3)):
        assert chain_gaps(chain[n] for chain in chains for n in order) == []
    assert chain_gaps([*chains[0][:1], *chains[0][2:], *chains[1]]) == [
        Gap("dev-0", 1, 6, chains[0][1].digest),
    ]
    assert chain_gaps(chains[0][1:]) == [Gap("dev-0", 1, 3, chains[0][0].digest)], "the beginning can be missing"
    assert chain_gaps(chains[0][:2]) == [], "what was signed after the last is not known to be missing"
    assert chain_gaps([]) == []


def test_repetition_is_no_gap():
    device = ListedDevice(0)
    first, second = device.sign(), device.sign()
    assert chain_gaps([second, first, second, first]) == []
