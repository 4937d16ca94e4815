"""A device that signs: it numbers its readings and chains its envelopes."""

from collections.abc import Iterator

from devices.device_key import SigningKey
from devices.identifier import require_identifier
from devices.readings import Readings
from devices.telemetry import NO_PREVIOUS, Envelope, encode


class DeviceSigner:
    """Signs the readings of one meter, each envelope naming the digest of the one before.

    A device that starts anew takes the next `boot` epoch, numbers from 0 again, and continues the chain with the
    `previous` it remembers.

    Args:
        device: identifier of the device.
        meter: identifier of the meter it reads.
        key: its key.
        network: identifier of the network that the signatures are for.
        boot: boot epoch.
        first_sequence: number of the next reading.
        previous: digest of the last envelope it ever signed.

    Raises:
        ValueError: a name is not an identifier.

    """

    def __init__(  # noqa: PLR0913 - the last three are what a device remembers
        self,
        device: str,
        meter: str,
        key: SigningKey,
        network: str,
        *,
        boot: int = 0,
        first_sequence: int = 0,
        previous: bytes = NO_PREVIOUS,
    ) -> None:
        self.device = require_identifier(device, "device")
        self.meter = require_identifier(meter, "meter")
        self.network = require_identifier(network, "network")
        self.boot = boot
        self.next_sequence = first_sequence
        self.previous = previous
        self._key = key

    def sign(self, readings: Readings) -> Envelope:
        """Sign readings as the next envelope.

        Raises:
            TelemetryError: the readings do not fit one envelope; the chain is where it was.

        """
        envelope = encode(
            readings,
            device=self.device,
            meter=self.meter,
            boot=self.boot,
            first_sequence=self.next_sequence,
            previous=self.previous,
            key=self._key,
            network=self.network,
        )
        self.next_sequence += len(readings)
        self.previous = envelope.digest
        return envelope

    def sign_in_batches(self, readings: Readings, batch: int) -> Iterator[Envelope]:
        """Sign any number of readings as envelopes of up to `batch` readings each. Raises as `sign` does."""
        for start in range(0, len(readings), batch):
            yield self.sign(readings[start : start + batch])
