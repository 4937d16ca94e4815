import pytest

from devices import topics
from devices.identifier import require_identifier
from devices.topics import AckTopic, StatusTopic, TelemetryTopic, TopicError


def test_topics_are_what_the_specification_says():
    assert topics.format_telemetry("demo", "gw-1") == "heliograph/v1/demo/telemetry/gw-1"
    assert topics.format_ack("demo", "gw-1", "node-2") == "heliograph/v1/demo/ack/gw-1/node-2"
    assert topics.format_status("demo", "gw-1") == "heliograph/v1/demo/status/gw-1"
    assert topics.format_telemetry_filter("demo") == "heliograph/v1/demo/telemetry/#"
    assert topics.format_ack_filter("demo", "gw-1") == "heliograph/v1/demo/ack/gw-1/+"


def test_parse_is_the_inverse_of_format():
    assert topics.parse(topics.format_telemetry("demo", "gw")) == TelemetryTopic("demo", "gw")
    assert topics.parse(topics.format_ack("demo", "gw", "n")) == AckTopic("demo", "gw", "n")
    assert topics.parse(topics.format_status("demo", "gw")) == StatusTopic("demo", "gw")


@pytest.mark.parametrize(
    "topic",
    [
        "",
        "heliograph/v1",
        "heliograph/v2/demo/telemetry/gw",
        "heliograph/v1/demo/telemetry",
        "heliograph/v1/demo/telemetry/gw/more",
        "heliograph/v1/demo/telemetry/",
        "heliograph/v1//telemetry/gw",
        "heliograph/v1/demo/ack/gw",
        "heliograph/v1/demo/other/gw",
        "heliograph/v1/demo/telemetry/+",
        "heliograph/v1/demo/telemetry/gw\n",
        "heliograph/v1/demo/telemetry/gw\u0661",
        "/heliograph/v1/demo/telemetry/gw",
        "heliograph/v1/demo/telemetry/" + "a" * 29,
    ],
)
def test_other_topics_are_refused(topic):
    with pytest.raises(TopicError):
        topics.parse(topic)


@pytest.mark.parametrize("name", ["", "a/b", "+", "#", "-a", ".a", "a" * 29, "ä", "a b", "a\0"])
def test_names_that_would_break_a_topic_are_refused(name):
    for make in (topics.format_telemetry, topics.format_status, topics.format_ack_filter):
        with pytest.raises(TopicError):
            make("demo", name)
    with pytest.raises(ValueError, match="gateway"):
        require_identifier(name, "gateway")
