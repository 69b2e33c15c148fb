"""What an ingester subscribes to, alone and as one of a group."""

import pytest

from fleet.errors import ConfigError
from fleet.wire import SUBSCRIPTIONS
from ingest.link.subscriptions import topic_filters, wide_filters


def test_alone_it_subscribes_to_our_topics_and_to_each_of_the_dialects_once() -> None:
    assert topic_filters(["homie/5/#", SUBSCRIPTIONS[0], "homie/5/#"]) == (*SUBSCRIPTIONS, "homie/5/#")


def test_in_a_group_what_devices_say_once_is_shared_and_what_is_retained_goes_to_all() -> None:
    """A broker sends no retained copies to a shared subscription (MQTT 5, 4.8.2)."""
    filters = topic_filters(share="g1")
    assert sorted(one for one in filters if not one.startswith("$share/g1/sweepwatch/v1/+/+/+/")) == [
        "sweepwatch/v1/+/+/+/info",
        "sweepwatch/v1/+/+/+/status",
    ]
    assert {one.removeprefix("$share/g1/") for one in filters} == set(SUBSCRIPTIONS)


def test_a_group_speaks_no_dialects() -> None:
    with pytest.raises(ConfigError, match=r"^ingest\.share: dialects remember"):
        topic_filters(["homie/5/#"], share="g1")


def test_what_also_sees_topics_beside_ours_overlaps_nothing_since_brokers_would_send_all_twice() -> None:
    assert wide_filters(["homie/5/#", "sweepwatch/old/+/data"]) == ("sweepwatch/#", "homie/5/#")


def test_in_a_group_topics_beside_ours_are_shared_as_well() -> None:
    assert wide_filters(share="g1") == (
        "$share/g1/sweepwatch/#",
        "sweepwatch/v1/+/+/+/status",
        "sweepwatch/v1/+/+/+/info",
    )
