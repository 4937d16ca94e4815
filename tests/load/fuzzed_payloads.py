"""Messages that a node should never have been sent, in any number, from a seed.

Some break the format; some are signed by listed keys and say what is not so; some come from strangers with good
signatures; some are all of that in one message.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from random import Random

from devices.device_key import ALGORITHMS, SigningKey
from devices.readings import Reading, Readings
from devices.telemetry import NO_PREVIOUS, encode
from devices.topics import format_telemetry
from tests.load.altered_envelopes import Material
from tests.load.broken_payloads import broken_item
from tests.load.faulty_devices import CONFLICTING, REVOKED, faulty_devices

GATEWAYS = 20
MATERIAL = 200
"""True envelopes that are altered again and again."""
_SIGNED, _STRANGE, _MIXED, _BROKEN = "signed", "strange", "mixed", "broken"
_SHARES = {_SIGNED: 35, _STRANGE: 12, _MIXED: 5, _BROKEN: 48}


@dataclass(frozen=True)
class Message:
    """One MQTT message."""

    topic: str
    payload: bytes
    signed: bool
    """Whether all of it is validly signed, so that only what it says is wrong."""


class FuzzedPayloads:
    """An endless stream of messages; the same for the same seed.

    Args:
        seed: of all randomness but that of ECDSA signatures.
        network: whose telemetry it is to be taken for.
        gateway: name of the gateway on whose topic most of it arrives.
        start_ms: when the registers of the faulty devices were confirmed [ms UTC].

    """

    def __init__(self, seed: int, network: str, gateway: str, start_ms: int) -> None:
        self._random = Random(seed)
        self._network = network
        self._start_ms = start_ms
        self._topics = [format_telemetry(network, gateway)] * GATEWAYS
        self._topics += [format_telemetry(network, f"fz-{number}") for number in range(GATEWAYS)]
        self.devices = faulty_devices(network, start_ms)
        self._any = [device for device in self.devices if device.fault not in (REVOKED, CONFLICTING)]
        """Devices of which any envelope may be lost: of the others the first must arrive, or two together."""
        self._material = self._make_material()

    def __iter__(self) -> Iterator[Message]:
        random = self._random
        kinds, weights = list(_SHARES), list(_SHARES.values())
        while True:
            (kind,) = random.choices(kinds, weights)
            signed = kind in (_SIGNED, _STRANGE)
            for payload in self._payloads(kind):
                yield Message(self._topic(), payload, signed)

    def take(self, count: int) -> Iterator[Message]:
        """The first `count` messages."""
        return islice(self, count)

    def _payloads(self, kind: str) -> list[bytes]:
        random = self._random
        if kind == _BROKEN:
            return [broken_item(random, self._material)]
        if kind == _STRANGE:
            return [self._stranger()]
        device = random.choice(self._any if kind == _MIXED else self.devices)
        wires = device.fault.sign(device, random)
        if kind == _MIXED:
            wires.insert(random.randint(0, len(wires)), broken_item(random, self._material))
            wires.insert(random.randint(0, len(wires)), self._stranger())
            return [b"".join(wires)]
        return [b"".join(wires)] if random.random() < 0.3 else wires

    def _stranger(self) -> bytes:
        """An envelope that verifies, and that nobody is entitled to sign."""
        random = self._random
        one, other = random.sample(self.devices, 2)
        newcomer = SigningKey.from_seed(random.choice(ALGORITHMS), random.randbytes(32))
        device, meter, key = random.choice(
            (
                (f"nobody-{random.getrandbits(40)}", one.meter, newcomer),
                (one.device, other.meter, one.key),
                (one.device, f"none-{random.getrandbits(40)}", one.key),
                (one.device, one.meter, other.key),
                (one.device, one.meter, newcomer),
                (one.device, one.meter, newcomer),
            )
        )
        row = Reading(self._start_ms + random.randrange(10**9), random.getrandbits(40))
        return encode(
            Readings.of([row]), device=device, meter=meter, boot=random.randrange(3),
            first_sequence=random.getrandbits(random.choice((4, 20, 62))), previous=NO_PREVIOUS, key=key, network=self._network,
        ).wire  # fmt: skip

    def _topic(self) -> str:
        random = self._random
        dice = random.random()
        if dice < 0.02:
            place = random.choice(("gw/too/deep", "no good name", "-", "x" * 29, "gw/", "/", "ü", "a" * 5000))
            return f"heliograph/v1/{self._network}/telemetry/{place}"
        if dice < 0.05:
            return format_telemetry(self._network, f"any-{random.getrandbits(60)}")
        return random.choice(self._topics)

    def _make_material(self) -> Material:
        """Sign envelopes to be altered."""
        random = self._random
        wires: dict[str, list[bytes]] = {algorithm: [] for algorithm in ALGORITHMS}
        while min(len(each) for each in wires.values()) < MATERIAL // 2:
            device = random.choice(self._any)
            wires[device.key.public.alg] += device.fault.sign(device, random)
        return Material(wires["es256"], wires["eddsa"], self.devices[0].key, self._network)
