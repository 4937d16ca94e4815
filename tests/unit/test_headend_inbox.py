"""The head-end's inbox is bounded and fair; refusals of one sender are stored up to a quota."""

import threading

from devices.mqtt import Delivery
from oracle.headend.inbox import OVERHEAD_BYTES, TURN_BYTES, Inbox
from oracle.headend.refusal_quota import MAX_TOPICS, RefusalQuota


def message(topic, size=100, acknowledged=None):
    return Delivery(topic, bytes(size), (lambda: None) if acknowledged is None else lambda: acknowledged.append(topic))


def drain(inbox):
    topics = []
    while (taken := inbox.next(0)) is not None:
        topics.append(taken.topic)
    return topics


def test_gateways_take_turns():
    inbox = Inbox()
    for topic in "aaaabbc":
        inbox.put(message(topic))
    assert "".join(drain(inbox)) == "abcabaa"
    assert inbox.next(0.01) is None


def test_turns_are_by_bytes():
    inbox = Inbox()
    for _ in range(3):
        inbox.put(message("large", 4 * TURN_BYTES))
    for _ in range(12):
        inbox.put(message("small", TURN_BYTES - OVERHEAD_BYTES))
    order = drain(inbox)
    assert order[:11] == ["large", *["small"] * 5, "large", *["small"] * 4]
    assert order.count("small") == 12
    assert not inbox._debts, "nothing is remembered once nobody waits"


def test_a_flooding_gateway_loses_its_own_messages_only():
    inbox = Inbox(topic_bytes=3 * (100 + OVERHEAD_BYTES))
    acknowledged = []
    for _ in range(10):
        inbox.put(message("flood", acknowledged=acknowledged))
    inbox.put(message("quiet"))
    assert (inbox.shed, acknowledged) == (7, ["flood"] * 7)
    assert drain(inbox) == ["flood", "quiet", "flood", "flood"]
    inbox.put(message("flood"))
    assert drain(inbox) == ["flood"], "once it has been worked off, it is heard again"


def test_one_message_beyond_the_bound_still_passes():
    inbox = Inbox(topic_bytes=10, total_bytes=10)
    inbox.put(message("a", 1000))
    assert drain(inbox) == ["a"]


def test_the_network_waits_while_all_queues_are_full():
    inbox = Inbox(total_bytes=2 * (100 + OVERHEAD_BYTES))
    for topic in "ab":
        inbox.put(message(topic))
    put = threading.Thread(target=inbox.put, args=(message("c"),), daemon=True)
    put.start()
    put.join(0.05)
    assert put.is_alive()
    assert inbox.next(0).topic == "a"
    put.join(2)
    assert not put.is_alive()
    assert drain(inbox) == ["b", "c"]


def test_closing_lets_everybody_go():
    inbox = Inbox(total_bytes=1)
    inbox.put(message("a"))
    put = threading.Thread(target=inbox.put, args=(message("b"),), daemon=True)
    put.start()
    inbox.close()
    put.join(2)
    assert not put.is_alive()
    assert inbox.next(10) is None


def test_refusals_of_one_sender_are_stored_up_to_its_quota():
    quota = RefusalQuota(burst=3, interval_ms=1000)
    assert [quota.admits("a", 5000) for _ in range(5)] == [True, True, True, False, False]
    assert quota.admits("b", 5000), "another sender has a quota of its own"
    assert not quota.admits("a", 5999)
    assert quota.admits("a", 6000)
    assert not quota.admits("a", 6000)
    assert [quota.admits("a", 60_000) for _ in range(4)] == [True, True, True, False]


def test_senders_without_number_share_one_quota():
    quota = RefusalQuota(burst=2, interval_ms=1000)
    for number in range(MAX_TOPICS):
        assert quota.admits(f"t{number}", 0)
    assert [quota.admits(f"more{number}", 0) for number in range(4)] == [True, True, False, False]
    assert quota.admits("again", 10_000), "buckets that are full again are forgotten"
