"""Which dialect a message is for: no pair depends on its order, and what nothing tells apart is refused."""

from itertools import combinations, permutations

import pytest
from helpers.captures import decoder
from hypothesis import given
from hypothesis import strategies as st
from paho.mqtt.client import topic_matches_sub

from fleet.errors import ConfigError
from fleet.signals import STANDARD_SIGNALS
from ingest.dialects.config import parse_dialects
from ingest.dialects.routing import Router, matches
from ingest.messages import Message

ALL = {
    "homie4": "{name: homie4, type: homie, prefix: base, site: s}",
    "homie5": "{name: homie5, type: homie, prefix: base/5, site: s}",
    "valetudo": "{name: valetudo, type: valetudo, prefix: base, site: s}",
    "inner": "{name: inner, type: valetudo, prefix: base/robots, site: s}",
    "vda2": "{name: vda2, type: vda5050, interface: base, version: v2, site: s}",
    "vda3": "{name: vda3, type: vda5050, interface: base, version: v3, site: s}",
    "deep": "{name: deep, type: json, topic: 'base/{site}/{part}/{device}/state', signals: {floor: f}}",
    "wide": "{name: wide, type: json, topic: 'base/{site}/{device}/#', signals: {floor: f}}",
    "senml": "{name: senml, type: senml, topic: 'base/{site}/{device}/senml'}",
    "plant": "{name: plant, type: sparkplug, groups: [p1]}",
    "sparkplug": "{name: sparkplug, type: sparkplug}",
    "slash": "{name: slash, type: json, topic: '/base/{site}/{device}', signals: {floor: f}}",
}
OWNERS = {
    "base/vac/$state": "homie4 valetudo wide",
    "base/vac/power/level": "homie4 valetudo wide",
    "base/vac/BatteryStateAttribute/level": "valetudo homie4 wide",
    "base/5/vac/$state": "homie5 homie4 valetudo wide",
    "base/5/vac/power/level": "homie5 wide",
    "base/robots/bot/$state": "inner homie4 valetudo wide",
    "base/v2/ACME/1/state": "vda2 deep wide",
    "base/v3/ACME/1/state": "vda3 deep wide",
    "base/v3/ACME/1/connection": "vda3 wide",
    "base/s1/part/d1/state": "deep wide",
    "base/s1/d1/senml": "senml homie4 valetudo wide",
    "spBv1.0/p1/NBIRTH/n": "plant sparkplug",
    "spBv1.0/p2/NBIRTH/n": "sparkplug",
    "/base/s1/d1": "slash",
}


def router(names: tuple[str, ...]) -> Router:
    text = f"dialects: [{', '.join(ALL[name] for name in names)}]"
    return Router(parse_dialects(text, STANDARD_SIGNALS))


@pytest.mark.parametrize("topic", OWNERS)
def test_each_pair_gives_a_topic_to_the_same_dialect_in_either_order(topic: str) -> None:
    ranks = OWNERS[topic].split()
    for pair in combinations(ALL, 2):
        wanting = [name for name in ranks if name in pair]
        owners = set()
        for order in permutations(pair):
            owner = router(order).dialect_of(Message(topic, b"1", 1, False, 1, 0))
            owners.add(owner.name if owner else None)
        assert owners == {wanting[0] if wanting else None}, pair


@pytest.mark.parametrize("order", [("homie4", "valetudo"), ("valetudo", "homie4")])
def test_under_one_prefix_the_device_decides(order: tuple[str, str]) -> None:
    shared = router(order)

    def owner(topic: str, payload: bytes = b"1") -> str:
        found = shared.dialect_of(Message(topic, payload, 1, False, 1, 0))
        assert found is not None
        return found.name

    assert owner("base/bot/$state") == "homie4"
    assert owner("base/bot/$implementation", b"Valetudo") == "valetudo"
    assert owner("base/lamp/$implementation", b"esp8266") == "homie4"
    assert owner("base/bot/$state") == "valetudo"
    assert owner("base/lamp/$state") == "homie4"


@pytest.mark.parametrize(
    ("one", "other", "topics"),
    [
        ("homie4", "homie4", "base/+/\\$homie"),
        ("valetudo", "valetudo", "base/+/\\$homie"),
        ("plant", "plant", "spBv1.0/p1/NBIRTH/+"),
        ("deep", "deep", "base/+/+/+/state"),
        ("vda3", "vda3", "base/v3/+/+/connection"),
    ],
)
def test_two_that_nothing_tells_apart_are_refused(one: str, other: str, topics: str) -> None:
    text = f"dialects: [{ALL[one]}, {ALL[other].replace(f'name: {other}', 'name: twin')}]"
    with pytest.raises(ConfigError, match=f"dialects.twin: it listens to {topics}".replace("+", "\\+")):
        parse_dialects(text, STANDARD_SIGNALS)


LEVELS = st.lists(st.sampled_from(["a", "b", "", "+", "#"]), min_size=1, max_size=4)


@given(LEVELS, st.lists(st.sampled_from(["a", "b", ""]), min_size=1, max_size=4))
def test_a_filter_matches_as_the_broker_has_it(wanted: list[str], levels: list[str]) -> None:
    if "#" in wanted[:-1]:
        wanted = [one for one in wanted if one != "#"] or ["a"]
    one, topic = "/".join(wanted), "/".join(levels)
    assert matches(one, topic) == topic_matches_sub(one, topic)


def test_a_topic_that_begins_with_a_slash_is_read() -> None:
    text = f"dialects: [{ALL['slash']}, {{type: homie, prefix: /h, site: s, signals: {{floor: n/f}}}}]"
    out = decoder(text).decode(
        [Message("/base/s1/d1", b'{"f": 2}', 1, False, 1, 0), Message("/h/d2/n/f", b"3", 1, False, 1, 0)]
    )
    assert [row["device_id"] for rows in out.rows.values() for row in rows] == ["d1", "d2"]
    assert not out.refused
