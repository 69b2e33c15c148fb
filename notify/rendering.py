"""Puts notices into words: templates in both languages, with the explanation and a link."""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from sqlalchemy.orm import Session

from fleet.alerts import EXTERNAL_RULE, RULE_REMOVED, Alert, AlertState
from fleet.errors import NotFound
from fleet.events import Subject
from fleet.faults import EXTERNAL, FAULTS, LEVEL_WORDS
from fleet.notices import Message
from fleet.outbox import Notice
from fleet.personal import is_personal_fault
from fleet.tellings import UNREACHED, Occasion, Telling
from fleet.text import Language
from notify.of_tickets import ticket_facts
from notify.ports import Said
from storage.records.alerts import alert_of, alerts_named
from storage.records.sites import site_of

log = logging.getLogger(__name__)
_TEMPLATES = Environment(
    loader=FileSystemLoader(Path(__file__).with_name("templates")),
    # Plain text: a channel that speaks HTML escapes it.
    autoescape=False,  # nosec B701
    undefined=StrictUndefined,
    keep_trailing_newline=False,
)
_PLACES: dict[str, str] = {
    Subject.ALERT: "alerts",
    Subject.INCIDENT: "incidents",
    Subject.TICKET: "tickets",
}
_MOST_TITLES = 20
_LONGEST_TITLE = 120
_LONGEST_REPORT = 80
"""Of what another system reported in a title: its site is to be read too."""


class Words:
    """Makes messages of notices, in the language of whoever gets them."""

    def __init__(self, said: Said) -> None:
        self._said = said

    def message(
        self, session: Session, notice: Notice, language: Language, link: str | None, now: int
    ) -> Message:
        """Return one notice as a message; `link` is its own page's, None: that of what it is about."""
        telling = notice.telling
        if telling is None:
            return self._test(notice, language, link, now)
        telling = _as_it_stands(session, telling)
        alert, title, text = self._put(session, notice, telling, language, now)
        picture = self._picture(alert, language) if alert and not is_personal_fault(telling.fault) else None
        return Message(
            notice.key,
            title,
            text,
            language,
            now,
            telling.level,
            link or self._console(notice),
            picture,
            _for_programs(notice, telling),
        )

    def _put(
        self, session: Session, notice: Notice, telling: Telling, language: Language, now: int
    ) -> tuple[Alert | None, str, str]:
        """Return the alert that a notice is about, if it is about one, and its title and text."""
        alert = _alert(session, notice, telling)
        facts = self._facts(session, notice, telling, alert, language, now)
        if notice.subject == Subject.TICKET:
            return alert, *rendered(
                "ticket", language, facts | ticket_facts(session, notice, language, self._said.plans)
            )
        return alert, *rendered("notice", language, facts)

    def _line(self, session: Session, notice: Notice, language: Language, now: int) -> str:
        """Return the line of a notice in a digest, which has no pictures, and names the device."""
        if notice.telling is None:
            return rendered("test", language, {})[0]
        telling = _as_it_stands(session, notice.telling)
        title = self._put(session, notice, telling, language, now)[1]
        device = _device(telling) if telling.count == 1 else ""
        return f"{title}: {device}" if device else title

    def digest(
        self,
        session: Session,
        notices: Sequence[Notice],
        key: str,
        language: Language,
        link: str | None,
        now: int,
    ) -> Message:
        """Return several notices as one message: the worst first, each in a line; `link` is its page's."""
        ranked = sorted(notices, key=_rank)
        titles = [self._line(session, each, language, now) for each in ranked[:_MOST_TITLES]]
        first = ranked[0].telling
        worst = None if first is None or first.is_end else first.level
        link = link or f"{self._said.base_url}alerts"
        facts = {
            "count": len(notices),
            "worst": worst,
            "titles": titles,
            "more": len(notices) - len(titles),
        }
        title, text = rendered("digest", language, facts)
        programs = [_for_programs(each, each.telling) for each in ranked if each.telling]
        return Message(key, title, text, language, now, worst, link, None, {"notices": programs})

    def _test(self, notice: Notice, language: Language, link: str | None, now: int) -> Message:
        title, text = rendered("test", language, {})
        where = link or self._said.base_url
        return Message(notice.key, title, text, language, now, link=where, facts={"test": True})

    def _console(self, notice: Notice) -> str:
        return f"{self._said.base_url}{_PLACES[notice.subject]}/{notice.subject_id}"

    def _facts(
        self,
        session: Session,
        notice: Notice,
        telling: Telling,
        alert: Alert | None,
        language: Language,
        now: int,
    ) -> dict[str, Any]:
        fault = FAULTS.get(telling.fault)
        zone = self._said.zones.of(notice.site)
        personal = is_personal_fault(telling.fault)
        return {
            "occasion": telling.occasion.value,
            "unreached": telling.reason.startswith(UNREACHED),
            "level": telling.level.value,
            "level_words": LEVEL_WORDS[telling.level].in_language(language),
            "fault": _reported(alert, language)
            or (fault.name.in_language(language) if fault else telling.fault),
            "advice": fault.advice.in_language(language) if fault else "",
            "site": _site_name(session, notice.site, language),
            "device": _device(telling),
            "count": telling.count,
            "since": _at(telling.since, zone),
            "now": _at(now, zone),
            "zone": zone.key,
            "lines": [] if alert is None or personal else self._explained(alert, language),
            "unknown_end": telling.is_end and alert is not None and alert.reason == RULE_REMOVED,
        }

    def _picture(self, alert: Alert, language: Language) -> bytes | None:
        try:
            return self._said.picture(alert, language)
        except Exception:  # a notice without its picture is worth more than none
            log.exception("alert %s: its chart could not be drawn", alert.id)
            return None

    def _explained(self, alert: Alert, language: Language) -> list[str]:
        """Return what the alert's rule says, and what its evidence shows."""
        if alert.rule == EXTERNAL_RULE:
            return _reports(alert, language)
        text = alert.evidence.get("text")
        rule = self._said.rules().get(alert.rule)
        said = text.get(language) if isinstance(text, Mapping) else None
        lines = [str(said)] if said else ([rule.in_language(language)] if rule else [])
        return lines + self._said.explain(alert.evidence, language)


def rendered(name: str, language: Language, facts: Mapping[str, Any]) -> tuple[str, str]:
    """Return the title and the text that a template makes of facts."""
    whole = _TEMPLATES.get_template(f"{name}.{language}.txt").render(facts)
    title, _, text = whole.strip().partition("\n")
    return " ".join(title.split())[:_LONGEST_TITLE], text.strip()


def _alert(session: Session, notice: Notice, telling: Telling) -> Alert | None:
    if notice.subject != Subject.ALERT:
        return None
    is_list = telling.occasion is Occasion.STILL_OPEN and telling.alerts
    return _found(session, telling.alerts[0] if is_list else notice.subject_id)


def _found(session: Session, alert_id: str) -> Alert | None:
    try:
        return alert_of(session, alert_id)
    except NotFound:
        return None


def _as_it_stands(session: Session, telling: Telling) -> Telling:
    """Return a list of what is still open as it is now, the worst first: it may have waited for hours."""
    if not telling.is_list:
        return telling
    listed = alerts_named(session, telling.alerts)
    still = sorted(
        (each for each in listed if each.state is not AlertState.RESOLVED),
        key=lambda each: (each.level, each.since),
    )
    if not still or len(still) == len(telling.alerts):
        return telling
    worst = still[0]
    return replace(
        telling,
        level=worst.level,
        fault=worst.fault,
        device_id=worst.device_id,
        rule=worst.rule,
        since=min(each.since for each in still),
        alerts=tuple(each.id for each in still),
        count=telling.count - len(telling.alerts) + len(still),
    )


def _rank(notice: Notice) -> tuple[bool, str, int]:
    """Return what sorts the notices of a digest: what is open first, the worst of it first."""
    telling = notice.telling
    return telling is None or telling.is_end, telling.level if telling else "", notice.id


def _reported(alert: Alert | None, language: Language) -> str:
    """Return what another system reported, which says more than that one did; "" for any other alert."""
    if alert is None or alert.rule != EXTERNAL_RULE:
        return ""
    said = str(alert.evidence.get("text", {}).get(language) or "")
    return said if len(said) <= _LONGEST_REPORT else f"{said[:_LONGEST_REPORT]}…"


def _reports(alert: Alert, language: Language) -> list[str]:
    """Return the reports that an alert holds, the worst first, a line each."""
    items = sorted(alert.evidence.get("items", {}).values(), key=lambda each: (each["level"], each["since"]))
    lines = [f"{each['level']}: {each['text']}" for each in items[:_MOST_TITLES]]
    others = int(alert.evidence.get("count", len(items))) - len(lines)  # it holds more than it shows whole
    more = [f"(+{others})"] if others > 0 else []
    return [f"{FAULTS[EXTERNAL].name.in_language(language)}:", *lines, *more]


def _device(telling: Telling) -> str:
    """Return the device as messages name it; whose wristband it is stands in the console alone."""
    return "" if is_personal_fault(telling.fault) or telling.device_id == "*" else telling.device_id


def _site_name(session: Session, site: str | None, language: Language) -> str:
    if site is None:
        return ""
    try:
        return site_of(session, site).name.in_language(language) or site
    except NotFound:
        return site


def _at(ms: int, zone: Any) -> str:
    return datetime.fromtimestamp(ms / 1000, zone).strftime("%Y-%m-%d %H:%M")


def _for_programs(notice: Notice, telling: Telling) -> dict[str, Any]:
    data = telling.as_data()
    if is_personal_fault(telling.fault):
        data["device_id"] = ""
    return {
        "subject": notice.subject,
        "subject_id": notice.subject_id,
        "event": notice.event,
        "site": notice.site,
    } | {key: value for key, value in data.items() if key not in ("to", "chain")}
