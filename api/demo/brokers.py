"""Which broker the demo runs on."""

from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass

from api.demo.broker import InProcessBroker, MosquittoBroker
from devices.mqtt import BrokerAddress, BrokerUrlError
from oracle.errors import ConfigError


@dataclass(frozen=True)
class ExternalBroker:
    """A broker that somebody else runs."""

    url: str


def choose_broker(
    choice: str,
) -> tuple[str, AbstractContextManager[InProcessBroker | MosquittoBroker | ExternalBroker]]:
    """Find a broker.

    Args:
        choice: `auto` (mosquitto if it is on the PATH, else in process), `amqtt`, `mosquitto`, or an mqtt:// URL.

    Returns:
        What it is, for people, and a context that hands out something with a `url`.

    Raises:
        ConfigError: mosquitto is asked for and not there, or the choice is none of these.

    """
    executable = MosquittoBroker.find()
    if choice == "amqtt" or (choice == "auto" and executable is None):
        return "amqtt in this process", InProcessBroker()
    if choice in ("auto", "mosquitto"):
        if executable is None:
            raise ConfigError("--broker mosquitto: mosquitto is not on the PATH")
        return "mosquitto", MosquittoBroker(executable)
    try:
        address = BrokerAddress.parse(choice)
    except BrokerUrlError as error:
        raise ConfigError(f"--broker {choice}: expected auto, amqtt, mosquitto or mqtt://HOST:PORT") from error
    return f"the broker at {address}", nullcontext(ExternalBroker(choice))
