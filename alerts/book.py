"""The book of rules: the versions that there are, which is at work, and how another comes to be.

A version is a whole document, as in a file. The one at work goes before the file of the settings, which is
version 0. Who changed what, and each activation, are events of the log.
"""

import logging
from collections.abc import Sequence
from dataclasses import dataclass

from alerts.engine import AlertEngine
from alerts.judging.rule_file import parse_rules
from alerts.judging.rules import Rule
from alerts.rule_diff import RuleChange, rule_changes
from alerts.trial import Tried, try_examples
from fleet.clock import Clock
from fleet.codes import CodeCatalogue
from fleet.config import Mistake, Mistakes
from fleet.errors import Conflict, InvalidInput
from fleet.events import Event, Subject
from fleet.principals import Principal, check_reason
from fleet.rule_versions import ACTIVATED, MOST_CHARACTERS, PROPOSED, SHIPPED, RuleVersion
from fleet.signals import SignalTable
from storage.records.database import DeskDatabase
from storage.records.events import tell
from storage.records.rule_versions import (
    activate_rule_version,
    active_number,
    add_rule_version,
    rule_document,
    rule_versions,
)

log = logging.getLogger(__name__)
_MOST_LISTED = 200
_LONGEST_NOTE = 1000


@dataclass(frozen=True, slots=True)
class Checked:
    """What a document comes to: its rules, or its mistakes."""

    rules: tuple[Rule, ...]
    mistakes: tuple[Mistake, ...]


@dataclass(frozen=True, slots=True)
class AtWork:
    """The rules at work, and which version they are."""

    number: int
    rules: tuple[Rule, ...]


class RuleBook:
    """Versions of rules in the desk database. `shipped` is the document of version 0."""

    def __init__(
        self, desk: DeskDatabase, clock: Clock, signals: SignalTable, codes: CodeCatalogue, shipped: str
    ) -> None:
        self._desk = desk
        self._clock = clock
        self._signals = signals
        self._codes = codes
        self._shipped = shipped
        self._known: tuple[int, AtWork] | None = None

    def check(self, document: str) -> Checked:
        """Say whether a document can be used: each mistake with its line."""
        if len(document) > MOST_CHARACTERS:
            too_long = f"{len(document):,} characters; allowed: up to {MOST_CHARACTERS:,}"
            return Checked((), (Mistake(None, too_long),))
        try:
            rules = parse_rules(document, "rules", self._signals)
        except Mistakes as error:
            return Checked((), error.mistakes)
        return Checked(rules, ())

    def usable(self, document: str) -> tuple[Rule, ...]:
        """Return the rules of a document. Raises InvalidInput that names each mistake."""
        checked = self.check(document)
        if checked.mistakes:
            raise InvalidInput("; ".join(in_words(mistake) for mistake in checked.mistakes))
        return checked.rules

    def versions(self) -> Sequence[RuleVersion]:
        """Return the newest versions, the newest first, and version 0 at the end."""
        with self._desk.transaction() as session:
            return rule_versions(session, _MOST_LISTED)

    def document(self, number: int) -> str:
        """Return the document of a version. Raises NotFound."""
        if number == SHIPPED:
            return self._shipped
        with self._desk.transaction() as session:
            return rule_document(session, number)

    def active(self) -> int:
        """Return the number of the version at work."""
        with self._desk.transaction() as session:
            return active_number(session)

    def at_work(self) -> AtWork:
        """Return the rules at work; where the version can no longer be used, those of version 0.

        That may be after a signal of the settings has gone; the log says so.
        """
        number = self.active()
        if self._known is None or self._known[0] != number:  # a version never changes: it is read once
            self._known = number, self._read(number)
        return self._known[1]

    def _read(self, number: int) -> AtWork:
        if number == SHIPPED:
            return AtWork(number, self._shipped_rules())
        checked = self.check(self.document(number))
        if not checked.mistakes:
            return AtWork(number, checked.rules)
        words = "; ".join(in_words(mistake) for mistake in checked.mistakes)
        log.error("version %d of the rules cannot be used any more, version 0 is at work: %s", number, words)
        return AtWork(SHIPPED, self._shipped_rules())

    def trouble(self) -> str | None:
        """Say that the version that should be at work cannot be; None where all is well."""
        number, judging = self.active(), self.at_work().number
        return (
            None if number == judging else f"version {number} of the rules cannot be used; version 0 judges"
        )

    def rules_of(self, number: int) -> tuple[Rule, ...]:
        """Return the rules of a version. Raises NotFound, InvalidInput where it can no longer be used."""
        return self._shipped_rules() if number == SHIPPED else self.usable(self.document(number))

    def _shipped_rules(self) -> tuple[Rule, ...]:
        """Return the rules of version 0: a file of the house, which may be written as it likes."""
        return parse_rules(self._shipped, "rules", self._signals)

    def propose(self, document: str, principal: Principal, note: str) -> int:
        """Keep a document as a version, which is not at work by that; return its number.

        Raises InvalidInput for its mistakes, or where nothing says what it is for.
        """
        check_reason(note)
        if len(note) > _LONGEST_NOTE:
            raise InvalidInput(f"note: {len(note)} characters; allowed: up to {_LONGEST_NOTE}")
        self.usable(document)
        now = self._clock.now_ms()
        active = self.active()
        changes = self._changes(self.document(active), document)
        with self._desk.transaction() as session:
            number = add_rule_version(session, document, principal.name, note, now)
            about = {"against": active, "changes": changes}
            event = Event(now, Subject.RULES, str(number), PROPOSED, principal, note, data=about)
            tell(session, event)
        return number

    def activate(
        self, number: int, principal: Principal, why: str, *, force: bool = False, over: int | None = None
    ) -> None:
        """Put a version to work, an older one too. Raises NotFound.

        Raises InvalidInput without a reason, for mistakes, and for examples that fail unless it is forced;
        Conflict when it is at work already, or (where `over` is given) that is no longer the one at work.
        """
        check_reason(why)
        document = self.document(number)
        _check_may_follow(self.active(), number, over)  # before its examples take their time
        failed = [each for each in self.examples(self.rules_of(number)) if not each.holds]
        if failed and not force:
            raise InvalidInput(f"examples fail: {'; '.join(how_it_came(each) for each in failed)}")
        now = self._clock.now_ms()
        with self._desk.transaction() as session:
            before = active_number(session)
            _check_may_follow(before, number, over)
            activate_rule_version(session, number, principal, now)
            old = self._shipped if before == SHIPPED else rule_document(session, before)
            about = {"changes": self._changes(old, document), "forced": bool(failed)}
            tell(
                session,
                Event(
                    now, Subject.RULES, str(number), ACTIVATED, principal, why,
                    before=str(before), after=str(number), data=about,
                ),
            )  # fmt: skip

    def examples(self, rules: Sequence[Rule]) -> list[Tried]:
        """Try rules on their own examples."""
        return list(try_examples(rules, self._signals, self._codes))

    def diff(self, before: int, after: int) -> list[RuleChange]:
        """Return what changes from one version to another. Raises NotFound."""
        return rule_changes(self.document(before), self.document(after))

    @staticmethod
    def _changes(before: str, after: str) -> list[dict[str, object]]:
        """Return the changes as an event keeps them: which keys, without what they hold."""
        found = rule_changes(before, after)
        return [
            {"rule": each.rule, "change": str(each.change), "keys": [one.key for one in each.keys]}
            for each in found
        ]


class RulesAtWork:
    """Lets the engine of a process judge by the version that was put to work, wherever that was."""

    name = "rules that were put to work"

    def __init__(self, book: RuleBook, engine: AlertEngine) -> None:
        self._book = book
        self._engine = engine
        self._looked = False

    def handle(self, event: Event) -> None:
        """Take over an activation; once also what may have happened before anybody listened."""
        if self._looked and not (event.subject is Subject.RULES and event.what == ACTIVATED):
            return
        found = self._book.at_work()
        self._engine.use(found.rules)
        self._looked = True
        log.info("version %d of the rules is at work: %d rules", found.number, len(found.rules))


def _check_may_follow(active: int, number: int, over: int | None) -> None:
    """Raise Conflict where a version is at work already, or another than who decided knew of."""
    if active == number:
        raise Conflict(f"version {number} of the rules is at work already")
    if over is not None and over != active:
        raise Conflict(f"version {active} is at work by now, not {over}; look at what it changed")


def in_words(mistake: Mistake) -> str:
    """Return a mistake as one sentence."""
    return mistake.text if mistake.line is None else f"line {mistake.line}: {mistake.text}"


def how_it_came(tried: Tried) -> str:
    """Say how an example that fails came out."""
    example = tried.example
    expected, came = (", ".join(states) or "nothing" for states in (example.then, tried.states))
    if example.fault is not None and tried.fault is not None:
        expected, came = f"{expected} of {example.fault}", f"{came} of {tried.fault}"
    if example.rises_to is not None and tried.level is not None:
        expected, came = f"{expected} up to {example.rises_to}", f"{came} up to {tried.level}"
    return f'{tried.rule.name}, "{example.name}": expected {expected}; came {came}'
