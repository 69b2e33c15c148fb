"""Our YAML is 1.2: words that 1.1 made bools, octal numbers, seconds or dates of are what they look like."""

import pytest

from fleet.config import Shape, parse_config
from fleet.errors import ConfigError
from fleet.yaml12 import load_yaml


@pytest.mark.parametrize(
    "word", ["on", "off", "yes", "no", "y", "012", "12:30:00", "2026-01-01", "1_000", "<"]
)
def test_a_word_of_yaml_1_1_is_a_text_as_value_and_as_key(word: str) -> None:
    assert load_yaml(f"{word}: {word}") == {word: word}


@pytest.mark.parametrize("key", ["1", "1e3", "true", "null", "~", "1.50", "0x1F"])
def test_a_key_is_a_text_as_it_is_spelled(key: str) -> None:
    assert load_yaml(f"{{{key}: a}}") == {key: "a"}


@pytest.mark.parametrize(
    ("text", "value"),
    [
        *[("true", True), ("False", False), ("null", None), ("~", None), ("", None)],
        *[("0", 0), ("-12", -12), ("+4", 4), ("0x1F", 31), ("0o17", 15)],
        *[("1e3", 1000.0), ("1.5", 1.5), (".5", 0.5), ("-2.5E-1", -0.25), (".inf", float("inf"))],
        *[('"on"', "on"), ("'1'", "1"), ("a b", "a b"), ("1.2.3", "1.2.3")],
    ],
)
def test_a_plain_value_is_what_the_core_schema_says(text: str, value: object) -> None:
    found = load_yaml(f"a: {text}")["a"]
    assert found == value
    assert type(found) is type(value)


class Limits(Shape):
    floor: int
    share: float
    site: str
    open: bool


def test_fields_take_what_is_written_in_their_own_type() -> None:
    limits = parse_config("{floor: 012, share: 1e-2, site: no, open: off}", Limits, "x.yaml")
    assert limits == Limits(floor=12, share=0.01, site="no", open=False)


@pytest.mark.parametrize(
    ("text", "said"), [("a: 1\na: 2", "the key 'a' stands twice"), ("{[1]: 2}", "a key must be a text")]
)
def test_what_cannot_be_told_apart_is_refused(text: str, said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        parse_config(text, Limits, "x.yaml")


def test_anchors_and_merges_work() -> None:
    assert load_yaml("{a: &x {b: 1}, c: {<<: *x, d: 2}}")["c"] == {"b": 1, "d": 2}
    assert load_yaml("{a: &x {b: 1, d: 1}, c: {d: 2, <<: *x}}")["c"] == {"b": 1, "d": 2}
