"""Backtest: two sets of rules over the same past, and what each would have raised."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import polars as pl

from alerts.backtest.groups import Group, groups_of, told_by
from alerts.backtest.outcome import RuleOutcome, outcome_of, repairs_of
from alerts.backtest.past import Raised
from alerts.backtest.replay import Replayed, replay
from alerts.judging.quantities import Source
from alerts.judging.rules import Rule
from fleet.clock import DAY_MS, HOUR_MS
from fleet.errors import InvalidInput, NotEnoughHistory, NotFound
from fleet.signals import Kind
from fleet.text import near, quoted
from storage.ports import TelemetryStore
from storage.records.repairs import confirmed_repairs, device_places

MOST_DAYS = 730
_LOOKED_AT = 20
_STORED = {Source.READINGS: "readings", Source.HOURS: "hourly tiles", Source.MODELS: "risks"}
_Spans = Mapping[tuple[Kind, Source], tuple[int, int]]
"""The range that is replayed for rules of a kind of device, by what tells them."""


@dataclass(frozen=True, slots=True)
class Asked:
    """What to replay: the newest `days` of readings; one rule, or all that differ; some devices, or all."""

    days: float
    rule: str | None = None
    devices: tuple[str, ...] | None = None


@dataclass(frozen=True, slots=True)
class Compared:
    """One rule, as it is and as it would be; None where it is not there.

    Where nothing is `stored` of what would tell it, neither is known.
    """

    rule: str
    kind: Kind
    before: RuleOutcome | None
    after: RuleOutcome | None
    stored: bool = True


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
    wanted = {(rule.kind, told_by(rule)) for rule in (*before, *after) if rule.name in names}
    spans = {each: _span(past.store, *each, asked.days) for each in sorted(wanted)}
    known = {each: span for each, span in spans.items() if span is not None}
    if names and not known:
        raise NotEnoughHistory(_nothing(wanted))
    found = _Replays(past, known, asked.devices).of
    old, new = (found(rules, names) for rules in (before, after))
    told = {rule.name: (rule.kind, told_by(rule)) for rule in (*before, *after)}
    compared = tuple(
        Compared(name, told[name][0], old.get(name), new.get(name), told[name] in known) for name in names
    )
    return Backtest(
        start=min((span[0] for span in known.values()), default=0),
        end=max((span[1] for span in known.values()), default=0),
        devices=sum(_devices(past, kind, asked.devices) for kind in {kind for kind, _ in known}),
        readings_every_ms=_usual_gap(past.store, known),
        rules=compared,
    )


class _Replays:
    """Replays groups of rules, each once: what is the same before and after is not replayed twice."""

    def __init__(self, past: Replayed, spans: _Spans, devices: Sequence[str] | None) -> None:
        self._past = past
        self._spans = spans
        self._devices = devices
        self._repairs = repairs_of(confirmed_repairs(past.desk))
        self._done: list[tuple[list[Rule], list[Raised]]] = []

    def of(self, rules: Sequence[Rule], names: Sequence[str]) -> dict[str, RuleOutcome]:
        """Return what the rules named come to."""
        found: dict[str, RuleOutcome] = {}
        for group in groups_of(rules):
            wanted = [rule for rule in group.rules if rule.name in names]
            span = self._spans.get((group.kind, group.source))
            if wanted and span is not None:
                raised = self._raised(group, span)
                found |= {rule.name: outcome_of(rule, raised, self._repairs, *span) for rule in wanted}
        return found

    def _raised(self, group: Group, span: tuple[int, int]) -> list[Raised]:
        judging = [_judging(rule) for rule in group.rules]
        for done, raised in self._done:
            if done == judging:
                return raised
        raised = replay(self._past, group, *span, self._devices)
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
    if wanted is None:
        return changed_rules(before, after)
    if wanted not in every:
        raise NotFound(f"there is no rule {quoted(wanted)}{near(wanted, every)}")
    return [wanted]


def _span(store: TelemetryStore, kind: Kind, source: Source, days: float) -> tuple[int, int] | None:
    """Return the range that is replayed: up to the newest reading, as far back as what it needs is kept."""
    newest, first = store.newest(kind), store.first_hour(kind)
    if not newest or first is None:
        return None
    end = max(newest.values()) + 1
    start = max(end - round(days * DAY_MS), first)
    if source is Source.READINGS:
        start = max(start, store.kept_hours(kind)[1])
    if source is Source.MODELS and store.fleet_risks(start, end).is_empty():
        return None
    return (start, end) if start < end else None


def _nothing(wanted: set[tuple[Kind, Source]]) -> str:
    needed = " or ".join(_STORED[source] for source in sorted({source for _, source in wanted}))
    kinds = " or ".join(sorted({kind for kind, _ in wanted}))
    return f"there is nothing to replay: no {needed} of any {kinds} are stored"


def _devices(past: Replayed, kind: Kind, some: Sequence[str] | None) -> int:
    sites = device_places(past.desk, kind)[1]
    return len(sites) if some is None else sum(device in sites for device in some)


def _usual_gap(store: TelemetryStore, spans: _Spans) -> int | None:
    """Return the median time between readings of some devices in the last hours."""
    gaps = []
    for kind, end in {(kind, end) for (kind, _), (_, end) in spans.items()}:
        some = sorted(store.newest(kind))[:_LOOKED_AT]
        found = store.scan(kind, [], end - 6 * HOUR_MS, end, some).sort("device_id", "ts")
        gaps.append(found.select(pl.col("ts").diff().over("device_id")).drop_nulls()["ts"])
    every = pl.concat(gaps).median() if gaps else None
    return round(every) if isinstance(every, int | float) else None
