import pytest

from api.demo.broker import InProcessBroker, MosquittoBroker


@pytest.fixture(params=["amqtt", "mosquitto"])
def broker_url(request):
    """A broker of its own for each test: amqtt in process, and mosquitto where it is installed."""
    if request.param == "amqtt":
        broker = InProcessBroker()
    else:
        executable = MosquittoBroker.find()
        if executable is None:
            pytest.skip("mosquitto is not installed")
        broker = MosquittoBroker(executable)
    with broker:
        yield broker.url
