"""What changes between two documents of rules, rule by rule and key by key, for people to read."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

import yaml

from fleet.yaml12 import load_yaml

_SHOWN = 2_000


class Change(StrEnum):
    """What became of a rule."""

    ADDED = "added"
    REMOVED = "removed"
    CHANGED = "changed"


@dataclass(frozen=True, slots=True)
class KeyChange:
    """One key of a rule: as it was written and as it is; None where it is not there."""

    key: str
    before: str | None
    after: str | None


@dataclass(frozen=True, slots=True)
class RuleChange:
    """One rule that is not the same; `keys` of one that was changed, and of an added one all."""

    rule: str
    change: Change
    keys: tuple[KeyChange, ...]


def rule_changes(before: str, after: str) -> list[RuleChange]:
    """Return what changes from one document to another, in the order of the second. Both can be read."""
    old, new = _rules(before), _rules(after)
    found = []
    for name in dict.fromkeys([*new, *old]):
        keys = _keys(old.get(name, {}), new.get(name, {}))
        if keys:
            change = (
                Change.ADDED if name not in old else Change.REMOVED if name not in new else Change.CHANGED
            )
            found.append(RuleChange(name, change, keys))
    return found


def _rules(document: str) -> dict[str, Mapping[str, Any]]:
    return {str(rule["name"]): rule for rule in load_yaml(document)["rules"]}


def _keys(before: Mapping[str, Any], after: Mapping[str, Any]) -> tuple[KeyChange, ...]:
    return tuple(
        KeyChange(key, _text(before, key), _text(after, key))
        for key in dict.fromkeys([*after, *before])
        if key != "name" and before.get(key) != after.get(key)
    )


def _text(rule: Mapping[str, Any], key: str) -> str | None:
    """Return a value as a document has it, cut where it is very long."""
    if key not in rule:
        return None
    value = rule[key]
    whole = value if isinstance(value, str) else _written(value)
    return whole if len(whole) <= _SHOWN else f"{whole[:_SHOWN]}…"


def _written(value: Any) -> str:
    """Return a value as YAML, a key and an entry a line."""
    whole = yaml.safe_dump(value, allow_unicode=True, sort_keys=False, width=100, default_flow_style=False)
    return whole.strip().removesuffix("...").strip()
