"""What happened is published on real brokers as CloudEvents: in order, at least once, of nobody in person."""

import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import paho.mqtt.client as mqtt
import pytest
from helpers.brokers import Amqtt
from helpers.mosquitto import Mosquitto
from helpers.running import free_port
from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion

from fleet.broker_url import parse_broker_url
from fleet.errors import BrokerUnavailable
from fleet.events import Event, Subject
from fleet.principals import person, rule
from notify.published import as_cloud_event, is_published, topic_of_event
from notify.publisher import EventPublisher

NOON = 1_800_000_000_000
DATA = {"device_id": "R1", "fault": "brush_jam", "rule": "brush", "level": "L2", "opens_ticket": True}
FIRED = Event(
    NOON, Subject.ALERT, "7", "state", rule("brush"), "for_elapsed", "s1", "pending", "firing", DATA, 41
)


class Heard:
    """What a subscriber heard of events."""

    def __init__(self) -> None:
        self.messages: list[mqtt.MQTTMessage] = []
        self.subscribed = False

    def wait_for(self, count: int) -> list[mqtt.MQTTMessage]:
        deadline = time.monotonic() + 10
        while len(self.messages) < count and time.monotonic() < deadline:
            time.sleep(0.01)
        return self.messages


@contextmanager
def listening(url: str, version: MQTTProtocolVersion) -> Iterator[Heard]:
    address, heard = parse_broker_url(url), Heard()
    client = mqtt.Client(CallbackAPIVersion.VERSION2, client_id="tests-listener", protocol=version)
    client.username_pw_set("tester")
    client.on_message = lambda _, __, message: heard.messages.append(message)
    client.on_subscribe = lambda *_: setattr(heard, "subscribed", True)
    client.on_connect = lambda *_: client.subscribe("sweepwatch/v1/events/#", qos=1)
    client.connect(address.host, address.port)
    client.loop_start()
    deadline = time.monotonic() + 10
    while not heard.subscribed and time.monotonic() < deadline:
        time.sleep(0.01)
    assert heard.subscribed
    try:
        yield heard
    finally:
        client.disconnect()
        client.loop_stop()


@contextmanager
def publisher_at(url: str, version: str = "auto") -> Iterator[EventPublisher]:
    publisher = EventPublisher(parse_broker_url(url), version)
    try:
        yield publisher
    finally:
        publisher.close()


def told(message: mqtt.MQTTMessage) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(message.payload)
    return found


def test_an_event_is_a_cloud_event_on_the_broker(mosquitto: Mosquitto) -> None:
    with (
        listening(mosquitto.url, MQTTProtocolVersion.MQTTv5) as heard,
        publisher_at(mosquitto.url) as publisher,
    ):
        publisher.handle(FIRED)
        (message,) = heard.wait_for(1)
    assert message.topic == "sweepwatch/v1/events/alert/state"
    assert (message.qos, message.retain) == (1, False)
    assert message.properties is not None
    assert message.properties.ContentType == "application/cloudevents+json"
    event = told(message)
    assert {event[name] for name in ("specversion", "id", "source")} == {"1.0", "41", "/sweepwatch"}
    assert (event["type"], event["subject"]) == ("sweepwatch.alert.state", "alert/7")
    assert (event["time"], event["datacontenttype"]) == ("2027-01-15T08:00:00.000Z", "application/json")
    assert event["data"] == {
        "subject": "alert",
        "id": "7",
        "what": "state",
        "site": "s1",
        "before": "pending",
        "after": "firing",
        "reason": "for_elapsed",
        "by": {"kind": "rule", "id": "brush"},
        **DATA,
    }


def test_a_broker_of_the_older_version_is_spoken_to_so(amqtt: Amqtt) -> None:
    with listening(amqtt.url, MQTTProtocolVersion.MQTTv311) as heard, publisher_at(amqtt.url) as publisher:
        for _ in range(2):
            try:
                publisher.handle(FIRED)
                break
            except BrokerUnavailable:
                continue  # as the follower does: the version before was tried first
        assert told(heard.wait_for(1)[0])["id"] == "41"


def test_events_come_in_order_and_again_with_the_same_id_where_the_broker_was_away(
    mosquitto: Mosquitto,
) -> None:
    with publisher_at(mosquitto.url) as publisher:
        with listening(mosquitto.url, MQTTProtocolVersion.MQTTv5) as heard:
            for number in (1, 2, 3, 3):
                publisher.handle(replace(FIRED, id=number))
            assert [told(each)["id"] for each in heard.wait_for(4)] == ["1", "2", "3", "3"]
        mosquitto.stop()
        with pytest.raises(BrokerUnavailable):
            publisher.handle(FIRED)
        mosquitto.start()
        with listening(mosquitto.url, MQTTProtocolVersion.MQTTv5) as heard:
            publisher.handle(FIRED)
            assert told(heard.wait_for(1)[0])["id"] == "41"


def test_many_events_at_once_come_in_order_without_those_that_nobody_is_told_of(mosquitto: Mosquitto) -> None:
    untold = replace(FIRED, id=500, subject=Subject.NOTICE)
    events = [replace(FIRED, id=number) for number in range(1, 301)]
    with (
        listening(mosquitto.url, MQTTProtocolVersion.MQTTv5) as heard,
        publisher_at(mosquitto.url) as publisher,
    ):
        publisher.handle_all([*events[:100], untold, *events[100:]])
        assert [told(each)["id"] for each in heard.wait_for(300)] == [str(each.id) for each in events]
        mosquitto.stop()
        with pytest.raises(BrokerUnavailable):
            publisher.handle_all(events)
    mosquitto.start()


def test_a_broker_that_is_away_is_said_so_without_our_password() -> None:
    away = f"mqtt://u:secret-word@127.0.0.1:{free_port()}"
    with publisher_at(away) as publisher, pytest.raises(BrokerUnavailable) as caught:
        publisher.handle(FIRED)
    assert caught.value.retryable
    assert "secret-word" not in str(caught.value)


def test_nobody_in_person_is_published() -> None:
    by_li = replace(FIRED, principal=person("Li Wei"), reason="Wang Fang says so", what="note")
    text = json.dumps(as_cloud_event(by_li))
    assert "Li Wei" not in text
    assert "Wang" not in text
    assert as_cloud_event(by_li)["data"]["by"] == {"kind": "person"}
    wristband = replace(FIRED, data=DATA | {"device_id": "W17", "fault": "worker_heart_rate"})
    assert "W17" not in json.dumps(as_cloud_event(wristband))
    more = replace(FIRED, data=DATA | {"email": "li@example.org", "to": ["person:3"], "text": "Li"})
    assert as_cloud_event(more) == as_cloud_event(FIRED)


@pytest.mark.parametrize(
    ("subject", "what"),
    [
        (Subject.PERSON, "invited"),
        (Subject.TOKEN, "made"),
        (Subject.NOTICE, "unreached"),
        (Subject.DESTINATION, "made"),
        (Subject.DEVICE, "looked"),
    ],
)
def test_what_is_of_people_and_of_how_they_are_reached_is_not_published(subject: Subject, what: str) -> None:
    assert is_published(FIRED)
    assert not is_published(replace(FIRED, subject=subject, what=what))
    with publisher_at(f"mqtt://127.0.0.1:{free_port()}") as publisher:
        publisher.handle(replace(FIRED, subject=subject, what=what))  # else it would raise: nobody is there


def test_names_with_spaces_or_signs_of_topics_are_one_level() -> None:
    assert topic_of_event(replace(FIRED, what="a b/+#")) == "sweepwatch/v1/events/alert/a_b___"
