"""Backtest: two sets of rules over the same past, and what each would have raised."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import polars as pl

from alerts.backtest.groups import Group, groups_of, is_replayed
from alerts.backtest.outcome import RuleOutcome, outcome_of, repairs_of
from alerts.backtest.past import Raised
from alerts.backtest.replay import Replayed, replay
from alerts.judging.rules import Rule
from fleet.clock import DAY_MS, HOUR_MS
from fleet.errors import InvalidInput, NotEnoughHistory, NotFound
from fleet.signals import Kind
from fleet.text import near, quoted
from storage.ports import TelemetryStore
from storage.records.repairs import confirmed_repairs, device_places

MOST_DAYS = 730
_LOOKED_AT = 20


@dataclass(frozen=True, slots=True)
class Asked:
    """What to replay: the newest `days` of readings; one rule, or all that differ; some devices, or all."""

    days: float
    rule: str | None = None
    devices: tuple[str, ...] | None = None


@dataclass(frozen=True, slots=True)
class Compared:
    """One rule, as it is and as it would be; None where it is not there."""

    rule: str
    kind: Kind
    before: RuleOutcome | None
    after: RuleOutcome | None


@dataclass(frozen=True, slots=True)
class Backtest:
    """What came of a backtest; times are epoch ms.

    `readings_every_ms` is how often a device usually sent, as stored (None: it cannot be told): nothing is
    thinned out or interpolated, so no rule can be judged finer than that.
    """

    start: int
    end: int
    devices: int
    readings_every_ms: int | None
    rules: tuple[Compared, ...]


def run_backtest(past: Replayed, before: Sequence[Rule], after: Sequence[Rule], asked: Asked) -> Backtest:
    """Replay the past under two sets of rules; with none `before`, under one.

    Without a rule's name those that differ are replayed, each with the others of its fault. Raises
    NotFound, InvalidInput, NotEnoughHistory when there is nothing to replay.
    """
    if not 0 < asked.days <= MOST_DAYS:
        raise InvalidInput(f"days: {asked.days:g}; allowed: more than 0, up to {MOST_DAYS}")
    names = _names(before, after, asked.rule)
    kinds = {rule.kind for rule in (*before, *after) if rule.name in names}
    spans = {kind: _span(past.store, kind, asked.days) for kind in sorted(kinds)}
    known = {kind: span for kind, span in spans.items() if span is not None}
    if names and not known:
        raise NotEnoughHistory(_nothing(kinds))
    found = _Replays(past, known, asked.devices).of
    old, new = (found(rules, names) for rules in (before, after))
    kind_of = {rule.name: rule.kind for rule in (*before, *after)}
    compared = tuple(Compared(name, kind_of[name], old.get(name), new.get(name)) for name in names)
    return Backtest(
        start=min((span[0] for span in known.values()), default=0),
        end=max((span[1] for span in known.values()), default=0),
        devices=sum(_devices(past, kind, asked.devices) for kind in known),
        readings_every_ms=_usual_gap(past.store, known),
        rules=compared,
    )


class _Replays:
    """Replays groups of rules, each once: what is the same before and after is not replayed twice."""

    def __init__(
        self, past: Replayed, spans: Mapping[Kind, tuple[int, int]], devices: Sequence[str] | None
    ) -> None:
        self._past = past
        self._spans = spans
        self._devices = devices
        self._repairs = repairs_of(confirmed_repairs(past.desk))
        self._done: list[tuple[list[Rule], list[Raised]]] = []

    def of(self, rules: Sequence[Rule], names: Sequence[str]) -> dict[str, RuleOutcome]:
        """Return what the rules named come to."""
        found: dict[str, RuleOutcome] = {}
        for group in groups_of([rule for rule in rules if is_replayed(rule)]):
            wanted = [rule for rule in group.rules if rule.name in names]
            if wanted and group.kind in self._spans:
                span, raised = self._spans[group.kind], self._raised(group)
                found |= {rule.name: outcome_of(rule, raised, self._repairs, *span) for rule in wanted}
        return found

    def _raised(self, group: Group) -> list[Raised]:
        judging = [_judging(rule) for rule in group.rules]
        for done, raised in self._done:
            if done == judging:
                return raised
        raised = replay(self._past, group, *self._spans[group.kind], self._devices)
        self._done.append((judging, raised))
        return raised


def changed_rules(before: Sequence[Rule], after: Sequence[Rule]) -> list[str]:
    """Return the names of the rules that are new, gone, or judge otherwise; words and examples do not."""
    old, new = ({rule.name: _judging(rule) for rule in rules} for rules in (before, after))
    return [name for name in dict.fromkeys([*new, *old]) if old.get(name) != new.get(name)]


def _judging(rule: Rule) -> Rule:
    return rule.model_copy(update={"text": None, "examples": ()})


def _names(before: Sequence[Rule], after: Sequence[Rule], wanted: str | None) -> list[str]:
    every = list(dict.fromkeys(rule.name for rule in (*after, *before)))
    elsewhere = {rule.name for rule in (*before, *after) if not is_replayed(rule)}
    if wanted is None:
        return [name for name in changed_rules(before, after) if name not in elsewhere]
    if wanted not in every:
        raise NotFound(f"there is no rule {quoted(wanted)}{near(wanted, every)}")
    if wanted in elsewhere:
        raise InvalidInput(
            f"rule {quoted(wanted)} is over hours, risks or remaining lives; a backtest replays readings"
        )
    return [wanted]


def _span(store: TelemetryStore, kind: Kind, days: float) -> tuple[int, int] | None:
    """Return the range that is replayed: up to the newest reading, as far back as readings are kept."""
    newest, first = store.newest(kind), store.first_hour(kind)
    if not newest or first is None:
        return None
    end = max(newest.values()) + 1
    start = max(end - round(days * DAY_MS), first, store.kept_hours(kind)[1])
    return (start, end) if start < end else None


def _nothing(kinds: set[Kind]) -> str:
    return (
        f"there is nothing to replay: no readings of any {' or '.join(sorted(kinds))} are stored; a backtest "
        "needs readings, and the hourly tiles that outlive them are not enough"
    )


def _devices(past: Replayed, kind: Kind, some: Sequence[str] | None) -> int:
    sites = device_places(past.desk, kind)[1]
    return len(sites) if some is None else sum(device in sites for device in some)


def _usual_gap(store: TelemetryStore, spans: dict[Kind, tuple[int, int]]) -> int | None:
    """Return the median time between readings of some devices in the last hours."""
    gaps = []
    for kind, (_, end) in spans.items():
        some = sorted(store.newest(kind))[:_LOOKED_AT]
        found = store.scan(kind, [], end - 6 * HOUR_MS, end, some).sort("device_id", "ts")
        gaps.append(found.select(pl.col("ts").diff().over("device_id")).drop_nulls()["ts"])
    every = pl.concat(gaps).median() if gaps else None
    return round(every) if isinstance(every, int | float) else None
