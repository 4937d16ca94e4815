"""An open-loop load generator: each message at its time, whatever has been answered by then.

One process, one connection, one gateway. During the run it only sends bytes that lie ready in memory and notes instants;
what it noted goes to a file of its own afterwards. It looks up once a millisecond, so a message or an answer may wait that
long: that counts against what is measured, never for it.
"""

import gc
import itertools
import os
import select
import socket
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from multiprocessing.connection import Connection
from pathlib import Path

import numpy as np

from api.bench import fleet, packets
from api.bench.children import child
from api.bench.plan import Plan
from api.bench.pool import Pool
from devices import topics

TICK_S = 0.001
QUIET_S = 3.0
"""The run is over when nothing has come for this long after the last message."""
LAST_S = 30.0
"""At the latest it is over this long after the last message."""
_GREETING_S = 10.0
_TICKS_A_LOOK = 256
_RECEIVE_BYTES = 1 << 20


@dataclass(frozen=True)
class Script:
    """Files that hold what one generator sends, and where it writes what it saw."""

    packets: Path
    times: Path
    """(starts, due_ns): where each packet begins, with the end of the last; when each is due after the start [ns]."""
    samples: Path


@dataclass
class Recording:
    """What happened, in instants of the system's monotonic clock [ns]."""

    sent_ns: list[int] = field(default_factory=list)
    """When each message had been handed to the system."""
    arrivals_ns: list[int] = field(default_factory=list)
    """When each acknowledgement was there."""
    payloads: list[bytes] = field(default_factory=list)
    """The acknowledgements."""
    pubacks: int = 0


def write_script(  # noqa: PLR0913, PLR0917 - what is sent, and whose part of it
    folder: Path, plan: Plan, pool: Pool, bad: Pool, generator: int, generators: int
) -> Script:
    """Put what one of several generators will send into files: every `generators`-th message."""
    script = Script(*(folder / f"generator-{generator}.{kind}" for kind in ("packets", "times.npz", "samples.npz")))
    topic = topics.format_telemetry(fleet.NETWORK, fleet.gateway_name(generator))
    mine = range(generator, plan.messages, generators)
    starts = [0]
    with script.packets.open("wb") as file:
        for number, message in enumerate(mine):
            sendings = plan.of_message(message).tolist()
            payload = b"".join(pool.wire(each) if each >= 0 else bad.wire(~each) for each in sendings)
            starts.append(starts[-1] + file.write(packets.publish(topic, number, payload)))
        file.flush()
        os.fsync(file.fileno())
    np.savez(script.times, starts=np.array(starts), due_ns=plan.due_ns()[generator::generators])
    return script


@child
def generate(connection: Connection, script: Script, port: int, generator: int) -> None:
    """Connect, say so, wait for the start, send, and write down what was seen."""
    with np.load(script.times) as times:
        starts, due_ns = times["starts"].tolist(), times["due_ns"]
    # A copy, not the file mapped: under load nothing may be fetched from disk, and the system may drop pages of a file.
    ready = memoryview(script.packets.read_bytes())
    with _connected(port, fleet.gateway_name(generator)) as broker:
        connection.send("ready")
        start_ns = int(connection.recv())
        gc.freeze()
        gc.disable()
        recording = _Drive(broker, ready, starts, (due_ns + start_ns).tolist()).run(connection)
        broker.setblocking(True)  # noqa: FBT003 - the socket's own name for it
        broker.sendall(packets.disconnect())
    np.savez(
        script.samples,
        due_ns=due_ns + start_ns,
        sent_ns=np.array(recording.sent_ns, dtype=np.int64),
        arrivals_ns=np.array(recording.arrivals_ns, dtype=np.int64),
        lengths=np.array([len(payload) for payload in recording.payloads], dtype=np.int64),
        payloads=np.frombuffer(b"".join(recording.payloads), np.uint8),
        pubacks=recording.pubacks,
    )
    connection.send("done")


class _Drive:
    """One run over one connection."""

    def __init__(self, broker: socket.socket, ready: memoryview, starts: Sequence[int], due_ns: Sequence[int]) -> None:
        self._broker = broker
        self._ready = ready
        self._starts = starts
        self._due_ns = due_ns
        self._begun = 0
        self._unsent = memoryview(b"")
        """The rest of a packet that the socket did not take whole: it goes before anything else."""
        self._answers = bytearray()
        self._received = b""
        self._seen = Recording()

    def run(self, command: Connection) -> Recording:
        """Send everything when it is due and receive until all is quiet; give up when the command is gone."""
        seen, total = self._seen, len(self._due_ns)
        last_heard_ns = finished_ns = 0
        for tick in itertools.count():
            if tick % _TICKS_A_LOOK == 0 and command.poll():
                raise EOFError
            if not self._send_due() and len(seen.sent_ns) < total:
                select.select((), (self._broker,), (), TICK_S)
            if self._receive():
                last_heard_ns = time.monotonic_ns()
            now_ns = time.monotonic_ns()
            if len(seen.sent_ns) == total:
                finished_ns = finished_ns or now_ns
                waited_s = (now_ns - max(finished_ns, last_heard_ns)) / 1e9
                if waited_s > QUIET_S or (now_ns - finished_ns) / 1e9 > LAST_S:
                    break
            elif now_ns - self._due_ns[-1] > LAST_S * 1e9:
                break
            time.sleep(TICK_S)
        return seen

    def _send_due(self) -> bool:
        """Send what is due; False if the socket takes no more."""
        seen, total = self._seen, len(self._due_ns)
        while True:
            if self._unsent and not self._flush():
                return False
            if len(seen.sent_ns) < self._begun:
                seen.sent_ns.append(time.monotonic_ns())
            if self._answers:
                self._unsent, self._answers = memoryview(bytes(self._answers)), bytearray()
                continue
            if self._begun == total or self._due_ns[self._begun] > time.monotonic_ns():
                return True
            if self._begun - seen.pubacks >= packets.PACKET_IDENTIFIERS:
                return True  # all packet identifiers are on the way: late, and seen to be late
            self._unsent = self._ready[self._starts[self._begun] : self._starts[self._begun + 1]]
            self._begun += 1

    def _flush(self) -> bool:
        while self._unsent:
            try:
                self._unsent = self._unsent[self._broker.send(self._unsent) :]
            except BlockingIOError:
                return False
        return True

    def _receive(self) -> bool:
        """Take in what is there; True if an acknowledgement was among it."""
        try:
            more = self._broker.recv(_RECEIVE_BYTES)
        except BlockingIOError:
            return False
        if not more:
            raise ConnectionError("the broker closed the generator's connection")
        now_ns = time.monotonic_ns()
        pubacks, payloads, answers, self._received = packets.cut(self._received + more if self._received else more)
        self._seen.pubacks += pubacks
        self._seen.payloads += payloads
        self._seen.arrivals_ns += [now_ns] * len(payloads)
        self._answers += answers
        return bool(payloads)


def _connected(port: int, gateway: str) -> socket.socket:
    """Connect to the broker as a gateway and subscribe to its acknowledgements."""
    broker = socket.create_connection(("127.0.0.1", port), timeout=_GREETING_S)
    broker.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    exchanges = (
        (packets.connect(gateway), packets.CONNACK_OK),
        (packets.subscribe(topics.format_ack_filter(fleet.NETWORK, gateway)), packets.SUBACK_OK),
    )
    for said, expected in exchanges:
        broker.sendall(said)
        answer = b""
        while len(answer) < len(expected) and (more := broker.recv(len(expected) - len(answer))):
            answer += more
        if answer != expected:
            raise ConnectionError(f"the broker does not let the generator in: {answer.hex()}")
    broker.setblocking(False)  # noqa: FBT003 - the socket's own name for it
    return broker
