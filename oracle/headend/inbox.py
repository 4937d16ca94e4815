"""Messages that wait for the worker: bounded in bytes, and fair between gateways.

The broker does not bound what it sends us, and one gateway must not make the others wait. Each topic has a queue; the
worker takes of each in turn, and a topic that took more than its share of bytes is passed over while others wait
(deficit round robin). A topic whose queue is full loses its newest messages here. That loses no
data: nothing was acknowledged to the gateway, which keeps it and sends it again. When all queues together are full, the
network thread waits, and the broker with it.
"""

import logging
import threading
from collections import OrderedDict, deque

from devices.mqtt import Delivery

log = logging.getLogger(__name__)

TOPIC_BYTES = 16 * 1024 * 1024
TOTAL_BYTES = 64 * 1024 * 1024
TURN_BYTES = 32 * 1024
"""Share of a topic in each round."""
OVERHEAD_BYTES = 1024
"""What a message costs beside its payload."""


class Inbox:
    """Between the network thread, which puts, and one worker, which takes."""

    def __init__(self, topic_bytes: int = TOPIC_BYTES, total_bytes: int = TOTAL_BYTES) -> None:
        self._topic_bytes = topic_bytes
        self._total_bytes = total_bytes
        self._changed = threading.Condition()
        self._waiting: OrderedDict[str, deque[Delivery]] = OrderedDict()
        self._held: dict[str, int] = {}
        self._debts: dict[str, int] = {}
        self._total = 0
        self._closed = False
        self._shedding: set[str] = set()
        self.shed = 0
        """Messages turned away since the start."""

    def put(self, message: Delivery) -> None:
        """Queue a message; wait while all queues together are full."""
        size = len(message.payload) + OVERHEAD_BYTES
        with self._changed:
            if self._held.get(message.topic, 0) + size > self._topic_bytes and message.topic in self._waiting:
                self._turn_away(message)
                return
            self._changed.wait_for(lambda: self._closed or self._total + size <= self._total_bytes or not self._total)
            if self._closed:
                return  # not acknowledged: the broker delivers it again
            self._waiting.setdefault(message.topic, deque()).append(message)
            self._held[message.topic] = self._held.get(message.topic, 0) + size
            self._total += size
            self._changed.notify_all()

    def next(self, timeout_s: float) -> Delivery | None:
        """Take the next message in turn; None if there is none within the timeout [s], or the inbox is closed."""
        with self._changed:
            self._changed.wait_for(lambda: self._closed or self._waiting, timeout_s)
            if self._closed or not self._waiting:
                return None
            topic, queue = self._next_topic()
            message = queue.popleft()
            size = len(message.payload) + OVERHEAD_BYTES
            if size > TURN_BYTES:
                self._debts[topic] = size - TURN_BYTES
            self._total -= size
            self._held[topic] -= size
            if queue:
                self._waiting[topic] = queue
            else:
                del self._held[topic]
                if topic in self._shedding:
                    self._shedding.discard(topic)
                    log.info("%s: keeps up again", topic)
            if not self._waiting:
                self._debts.clear()  # nobody waited for it
            self._changed.notify_all()
            return message

    def close(self) -> None:
        """Let nobody wait any longer; nothing is queued or given out from now on."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()

    def _next_topic(self) -> tuple[str, deque[Delivery]]:
        """Take the topic whose turn it is out of the round; those in debt pay for being passed over."""
        while True:
            topic, queue = self._waiting.popitem(last=False)
            debt = self._debts.pop(topic, 0)
            if debt <= 0 or not self._waiting:
                return topic, queue
            self._debts[topic] = debt - TURN_BYTES
            self._waiting[topic] = queue

    def _turn_away(self, message: Delivery) -> None:
        self.shed += 1
        if message.topic not in self._shedding:
            self._shedding.add(message.topic)
            log.warning("%s: sends more than can be worked on; it will have to send again", message.topic)
        message.acknowledge()
