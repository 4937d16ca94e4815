import threading
from contextlib import contextmanager
from types import SimpleNamespace

import pytest

from api.demo.broker import InProcessBroker, MosquittoBroker
from api.demo.chains import start_chain
from api.demo.fleet import simulated_fleet
from api.demo.timetable import simulated_start, simulated_timetable
from api.demo.world import build_world
from oracle.node import system_clock_ms


@pytest.fixture(params=["amqtt", "mosquitto"])
def broker_url(request, require):
    """A broker of its own for each test: amqtt in process, and mosquitto where it is installed."""
    if request.param == "amqtt":
        broker = InProcessBroker()
    else:
        executable = MosquittoBroker.find()
        require("mosquitto", executable, "apt-get install mosquitto")
        broker = MosquittoBroker(executable)
    with broker:
        yield broker.url


@contextmanager
def settled_system(folder, activation_delay_s=0):
    """A whole system of two plants, one closed day of which is reported: world, broker URL, the day's span.

    Without a delay the report is settled, too.
    """
    # A day that closed an hour ago or earlier: tests go on with readings from then until now.
    start_ms = simulated_start(system_clock_ms() - 3_600_000, 1)
    (span,) = simulated_timetable(start_ms, 1)
    with InProcessBroker() as broker, start_chain("eth-tester") as chain:
        world = build_world(folder, chain, broker.url, simulated_fleet(2, start_ms), lambda _: None, activation_delay_s)
        try:
            for plant in world.plants:
                world.send(plant, span.after_ms, span.until_ms)
            assert world.wait_delivered(threading.Event())
            assert world.settle(span.cutoff_s) is not None
            yield SimpleNamespace(world=world, broker_url=broker.url, span=span)
        finally:
            world.close()


@pytest.fixture
def settled(tmp_path):
    """A settled system of the test's own, to be tampered with."""
    with settled_system(tmp_path) as system:
        yield system


@pytest.fixture
def pending(tmp_path):
    """A system whose one report is pending for an hour."""
    with settled_system(tmp_path, activation_delay_s=3600) as system:
        yield system


@pytest.fixture(scope="module")
def settled_to_read(tmp_path_factory):
    """A settled system that the tests of a module share and only read."""
    with settled_system(tmp_path_factory.mktemp("settled")) as system:
        yield system
