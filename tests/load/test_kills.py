"""Node, broker and database are killed at random moments under load, and nothing that was acknowledged is lost or doubled.

`pytest tests/load/test_kills.py --kills 50` does it more often; `--seed N` repeats the choice of victims and pauses.
"""

import time
from collections import Counter, defaultdict
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise

from devices.telemetry import NO_PREVIOUS
from oracle.journal.journal import Journal
from oracle.metering.collation import collate
from oracle.metering.meter import CONFIRMATIONS, Baseline, Meter
from oracle.metering.settlement import Standing, settle_register
from tests.load.loaded_site import BUCKET, wait_until
from tests.load.victims import WorkerVictim
from tests.load.witness import JournalRows, difference
from tests.support.listed_devices import BASELINE_WH, NAMEPLATE_W, START_MS, WH_A_READING
from tests.support.secure_site import NETWORK

BETWEEN_KILLS_S = (0.5, 3.0)
DOWN_S = (0.1, 1.5)
UNDER_LOAD_S = 60.0
DRAIN_S = 90.0
CATCH_UP_S = 60.0
WAITING_WH = (CONFIRMATIONS - 1) * WH_A_READING
"""What the last readings of a device added: not enough others confirm it yet [Wh]."""


def victims_of(site, random):
    """Who is killed; a node without head-end workers is one process."""
    workers = [WorkerVictim(site.node, random)] if site.node.workers() else []
    return [site.node, site.broker, site.database, *workers]


def deck(victims, kills, random):
    """Each of the victims about as often, in random order."""
    order = [victims[number % len(victims)] for number in range(kills)]
    random.shuffle(order)
    return order


def rows_in_database(site):
    """How far the node says that the database is; -1 while nobody knows."""
    figures = site.node.figures()
    return figures["historian"]["row"] if figures and figures["historian"]["well"] else -1


def work_done(site, victim):
    """A count that rises while the victim does its work."""
    return rows_in_database(site) if victim is site.database else site.witness.readings


def kill_again_and_again(site, kills, random):
    """Kill one after the other while the load goes on; each is back some time later. Return how often each was killed.

    A victim is killed once it is at work again, whatever the others are doing: they may be down.
    """
    victims = victims_of(site, random)
    order = deck(victims, kills, random)
    coming_back = {}
    done = dict.fromkeys(victims, 0)
    with ThreadPoolExecutor(len(victims)) as pool:

        def back(victim, down_s):
            time.sleep(down_s)
            victim.start()
            done[victim] = work_done(site, victim)
            if victim is site.node:
                victim.check_orphans()

        for victim in order:
            time.sleep(random.uniform(*BETWEEN_KILLS_S))
            for each in (victim, site.node) if victim.name == "worker" else (victim,):
                if each in coming_back:
                    coming_back.pop(each).result(UNDER_LOAD_S)
            wait_until(
                lambda victim=victim: work_done(site, victim) > done[victim],
                UNDER_LOAD_S,
                lambda victim=victim: f"no work is done since {victim.name} is back:\n{site.node.said()}",
            )
            victim.kill()
            coming_back[victim] = pool.submit(back, victim, random.uniform(*DOWN_S))
        for each in coming_back.values():
            each.result(UNDER_LOAD_S)
    return Counter(victim.name for victim in order)


def by_device(journal):
    """Device -> its envelopes by sequence number."""
    envelopes = defaultdict(list)
    for envelope in journal.envelopes():
        envelopes[envelope.device].append(envelope)
    return {device: sorted(each, key=lambda e: e.first_sequence) for device, each in envelopes.items()}


def assert_each_reading_once(device, envelopes):
    """All that a device signed is there, each reading in one envelope, and the chain of envelopes has no gap."""
    assert envelopes[0].first_sequence == 0
    assert envelopes[0].previous == NO_PREVIOUS
    for one, other in pairwise(envelopes):
        assert other.first_sequence == one.last_sequence + 1
        assert other.previous == one.digest
    assert envelopes[-1].digest == device.signer.previous
    assert envelopes[-1].last_sequence + 1 == device.taken


def assert_settles(device, envelopes):
    """Energy is the register's difference; only what the last readings added waits for others."""
    meter = Meter(device.meter, NAMEPLATE_W, baseline=Baseline(BASELINE_WH, START_MS))
    settled = settle_register(meter, collate(envelopes), 2**53)
    assert settled.rejected == {}
    assert settled.total_wh(Standing.ATTESTED) + settled.total_wh(Standing.WITHHELD) == device.gained_wh
    assert settled.total_wh(Standing.WITHHELD) == WAITING_WH


def assert_same_in_database(site, envelopes):
    """Counts and sums, by InfluxQL, are those of the journal."""
    rows = {}
    for device in site.devices:
        ((_, *figures),) = site.influx.query(
            BUCKET, f"SELECT count(export_wh), sum(export_wh) FROM meter_reading WHERE meter = '{device.meter}'"
        )
        rows[device.device] = figures
    assert rows == {
        device: [sum(e.count for e in each), sum(int(e.readings.export_wh.numbers.sum()) for e in each)]
        for device, each in envelopes.items()
    }


def minted_wh(site):
    years = (time.gmtime().tm_year, time.gmtime().tm_year - 1)
    return sum(site.chain.minted("asset", year).energy_wh for year in years)


def caught_up(site):
    figures = site.node.figures()
    return figures is not None and figures["historian"]["well"] and figures["historian"]["lag_rows"] == 0


def test_what_was_acknowledged_survives_every_kill_once(site, kills, seeded, capsys):
    witness, node = site.witness, site.node
    for sender in site.senders:
        sender.start()
    killed = kill_again_and_again(site, kills, seeded.random)
    for sender in site.senders:
        sender.stop_sending()
    began = time.monotonic()
    for sender in site.senders:
        gateway = sender.gateway
        assert gateway.wait_until_empty(max(began + DRAIN_S - time.monotonic(), 1)), (
            f"{gateway.name} keeps {gateway.pending()} envelopes:\n{node.said()}"
        )
        assert gateway.rejected() == []
    drained_s = time.monotonic() - began
    wait_until(lambda: caught_up(site), CATCH_UP_S, lambda: f"the database is behind: {node.figures()}")

    assert witness.premature == [], "acknowledged before it was committed"
    assert witness.rejected == []
    sent = {(device.device, 1): set(range(device.taken)) for device in site.devices}
    rows = JournalRows(site.journal)
    rows.look()
    assert rows.doubled == []
    assert difference(witness.acked, rows.held) == [], "acknowledged, and not in the journal"
    assert difference(sent, rows.held) == [], "sent, and not in the journal"
    assert difference(sent, witness.acked) == [], "an outbox gave up what was not acknowledged"
    assert difference(rows.held, sent) == [], "in the journal, and never sent"

    expected_wh = sum(device.gained_wh - WAITING_WH for device in site.devices)
    wait_until(lambda: minted_wh(site) == expected_wh, CATCH_UP_S, lambda: f"{minted_wh(site)} of {expected_wh} Wh")
    assert node.end() == 0
    assert "Traceback" not in node.log.read_text()
    journal = Journal.open(site.journal, NETWORK)
    assert journal.faults() == []
    assert journal.rejection_counts() == {}
    envelopes = by_device(journal)
    journal.close()
    for device in site.devices:
        assert_each_reading_once(device, envelopes[device.device])
        assert_settles(device, envelopes[device.device])
    assert_same_in_database(site, envelopes)
    with capsys.disabled():
        counted = ", ".join(f"{name} {times}" for name, times in sorted(killed.items()))
        readings = sum(device.taken for device in site.devices)
        print(f"\nkilled {counted}; {readings} readings; outboxes empty after {drained_s:.1f} s; --seed {seeded.seed}")  # noqa: T201
