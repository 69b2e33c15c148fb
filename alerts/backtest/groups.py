"""Which rules are replayed together, and what each needs of what is stored."""

from collections.abc import Sequence
from dataclasses import dataclass

from alerts.judging.conditions import Condition, EventCondition, Term
from alerts.judging.quantities import Measure, Source
from alerts.judging.rules import BY_CODE, ERROR_CODE, OFFLINE, STATE, Rule
from fleet.signals import Kind
from storage.ports import Sought


@dataclass(frozen=True, slots=True)
class Group:
    """Rules of one kind of device and one fault, told by the same: only these come into each other's way.

    By the device's own code they are one group, whatever the code means. What readings, hours and models
    tell is replayed apart.
    """

    kind: Kind
    rules: tuple[Rule, ...]

    @property
    def source(self) -> Source:
        """What tells them."""
        return told_by(self.rules[0])

    @property
    def over_signals(self) -> tuple[Rule, ...]:
        """Return those that look at readings."""
        return tuple(rule for rule in self.rules if isinstance(rule.when, Condition))

    @property
    def is_plain(self) -> bool:
        """Whether a reading alone says what the rules make of it: nothing measured, held or scoped."""
        return all(
            not rule.is_limited
            and not rule.held_ms
            and all(each.column == each.of for each in rule.quantities)
            for rule in self.over_signals
        )

    @property
    def over_events(self) -> bool:
        """Whether any looks at what devices tell of."""
        return any(isinstance(rule.when, EventCondition) for rule in self.rules)

    @property
    def offline(self) -> tuple[Rule, ...]:
        """Return those that look for absence."""
        return tuple(rule for rule in self.rules if rule.when == OFFLINE)

    @property
    def signals(self) -> tuple[str, ...]:
        """Return the signals that the rules look at."""
        names = [name for rule in self.over_signals for name in _signals(rule)]
        names += [axis for rule in self.over_signals for place in rule.places for axis in place.axes]
        if any(rule.fault == BY_CODE for rule in self.over_signals):
            names += [STATE, ERROR_CODE]
        return tuple(dict.fromkeys(names))

    @property
    def sought(self) -> list[Sought] | None:
        """Return values of which a device must send one before any rule holds; None: that cannot be told."""
        if not self.is_plain:
            return None
        found = [_sought(rule) for rule in self.over_signals]
        return None if None in found else [each for each in found if each is not None]


def groups_of(rules: Sequence[Rule]) -> list[Group]:
    """Return rules by kind of device, fault and what tells them, in order of their first."""
    found: dict[tuple[Kind, str, Source], list[Rule]] = {}
    for rule in rules:
        found.setdefault((rule.kind, rule.fault, told_by(rule)), []).append(rule)
    return [Group(kind, tuple(each)) for (kind, *_), each in found.items()]


def told_by(rule: Rule) -> Source:
    """Return what is replayed for a rule; events and absence go with the readings."""
    return rule.source or Source.READINGS


def _signals(rule: Rule) -> list[str]:
    compared = [each.of for each in rule.quantities if each.measure is not Measure.PLACE]
    return [*compared, *(name for name in rule.held_ms if " " not in name)]


def _sought(rule: Rule) -> Sought | None:
    """Return what the first telling term of a rule needs: all terms must hold, so that one is enough."""
    return next((each for term in rule.condition.terms if (each := _of(term)) is not None), None)


def _of(term: Term) -> Sought | None:
    if isinstance(term.value, float):
        low, high = (term.value, None) if term.operator[0] == ">" else (None, term.value)
        return Sought(term.signal, low, high)
    few = term.few
    if few is None:
        return None
    if isinstance(few[0], bool):
        return Sought(term.signal, float(few[0]), float(few[0]))
    return Sought(term.signal, words=tuple(str(word) for word in few))
