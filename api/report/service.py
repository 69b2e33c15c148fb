"""What stands in the service report of a case, as data in the words of one language."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, Literal
from zoneinfo import ZoneInfo

import segno
from sqlalchemy.orm import Session

from access.doors import Visitor
from api.console.charts.drawing import draw_course
from api.console.charts.pictures import on_white
from api.console.render import formats
from api.console.render.reasons import reason_in_words, reporter_in_words
from api.console.render.templates import driver_with_course, explained
from api.console.render.words import word
from api.personal import Sight
from api.report import words as w
from api.report.typeset import typeset
from api.services import ApiServices
from fleet.alerts import said_by_device
from fleet.devices import Device
from fleet.errors import NotFound
from fleet.feedback import Visit, repair_of
from fleet.grants import Sites
from fleet.risks import Driver
from fleet.sites import Site
from fleet.text import Language, Text
from fleet.tickets import REPORT, Suspicion, SuspicionState, Ticket
from storage.records.customers import customers_named
from storage.records.device_lists import device_of
from storage.records.sites import site_of
from storage.records.tickets import ticket
from storage.records.visits import visit_of

Paper = Literal["a4", "phone"]


@dataclass(frozen=True, slots=True)
class Reported:
    """What a report is about; `device` and `visit` are None where nothing is known of them.

    `customer` is whose site it is, by name as far as that is known.
    """

    ticket: Ticket
    site: Site
    customer: Text
    device: Device | None
    visit: Visit | None


def service_report(
    services: ApiServices,
    visitor: Visitor,
    ticket_id: int,
    sites: Sites,
    language: Language,
    paper: Paper = "a4",
) -> bytes:
    """Return the service report of a case as PDF: what its visitor may see. Raises NotFound."""
    with services.desk.transaction() as session:
        found = reported(session, ticket_id, sites)
    (case,) = Sight(services, visitor).tickets([found.ticket])
    seen = replace(found, ticket=case)
    written = Writer(services, language).report(seen, paper)
    return typeset(written, last_change(seen))


def reported(session: Session, ticket_id: int, sites: Sites) -> Reported:
    """Return what a report is about. Raises NotFound."""
    case = ticket(session, ticket_id, sites)
    try:
        device = device_of(session, case.device_id)
    except NotFound:  # the case outlives it
        device = None
    try:
        site = site_of(session, case.site)
    except NotFound:
        site = Site(case.site)
    described = customers_named(session, [site.customer] if site.customer else []).get(site.customer)
    customer = described.name if described else Text(site.customer, site.customer)
    return Reported(case, site, customer, device, visit_of(session, case.id, repair_of(case)))


def last_change(found: Reported) -> int:
    """Return when what a report says changed last (epoch ms): the same report has the same bytes."""
    begun = [span.begins for span in found.ticket.spans]
    return max([found.ticket.opened_at, *begun, found.visit.changed_at if found.visit else 0])


class Writer:
    """Writes a report in one language."""

    def __init__(self, services: ApiServices, language: Language) -> None:
        self._services = services
        self._language: Language = language

    def report(self, found: Reported, paper: Paper) -> dict[str, Any]:
        """Return the report as api/report/service.typ takes it."""
        case, visit = found.ticket, found.visit
        zone = self._services.zones.of(case.site)
        chart, title = self._chart(case, zone)
        engineer = visit.engineer if visit else ""
        return {
            "lang": self._language,
            "paper": paper,
            "number": f"#{case.id}",
            "footer": self._in(w.FOOTER).format(zone),
            "words": self._words(),
            "facts": self._facts(found, zone),
            "places": self._places(found),
            "suspicions": [self._suspicion(each) for each in case.suspicions],
            "found": self._found(case),
            "chart": chart,
            "chart_title": title,
            "work": self._work(found, zone),
            "parts": self._parts(visit),
            "remark": visit.remark if visit else "",
            "clocks": self._clocks(case, zone),
            "engineer": engineer,
            "signature": list(visit.signature) if visit and visit.signature else None,
            "signed_by": visit.signed_by if visit else "",
            "label": self._label(found, engineer, zone),
        }

    def _in(self, text: Text) -> str:
        return text.in_language(self._language)

    def _words(self) -> dict[str, Any]:
        heads: dict[str, Any] = {name: self._in(text) for name, text in w.HEADS.items()}
        for name, texts in (("part_heads", w.PART_HEADS), ("clock_heads", w.CLOCK_HEADS)):
            heads[name] = [self._in(text) for text in texts]
        return heads

    def _facts(self, found: Reported, zone: ZoneInfo) -> list[list[str]]:
        device = found.device
        return self._rows(
            (w.DEVICE, found.ticket.device_id),
            (w.MODEL, device.model if device else None),
            (w.SERIAL, device.serial if device else None),
            (w.OPENED, self._at(found.ticket.opened_at, zone)),
            (w.STATE, word("state", found.ticket.state, self._language)),
        )

    def _places(self, found: Reported) -> list[list[str]]:
        site = found.site
        return self._rows(
            (w.SITE, self._named(site.name) or site.id),
            (w.CUSTOMER, self._named(found.customer)),
            (w.ADDRESS, site.address),
        )

    def _named(self, name: Text) -> str:
        return self._in(name) or name.en or name.zh

    def _rows(self, *pairs: tuple[Text, str | None]) -> list[list[str]]:
        return [[self._in(name), value] for name, value in pairs if value]

    def _suspicion(self, each: Suspicion) -> dict[str, Any]:
        return {
            "fault": word("fault", each.fault, self._language),
            "level": str(each.level),
            "state": word("suspicion", each.state, self._language),
            "why": list(self._why(each)),
        }

    def _why(self, each: Suspicion) -> Iterable[str]:
        seen = each.evidence
        risk = seen.get("risk")
        if isinstance(risk, int | float):
            yield self._in(w.PREDICTED).format(formats.percent(risk, self._language))
            drivers = explained(seen.get("drivers"), self._services, self._language)
            yield from (f"· {driver['sentence']}" for driver in drivers)
        if seen.get("source") in ("rule", "device") and isinstance(seen.get("text"), dict):
            yield str(seen["text"].get(self._language, ""))
        told = said_by_device(seen)
        if told is not None and told.get("code"):
            meaning = (told.get("meaning") or {}).get(self._language, "")
            yield self._in(w.SAID).format(f"{told['code']} {meaning}".strip())
        if each.found:
            yield self._in(w.FOUND_THERE)
        if each.follows is not None:
            yield self._in(w.FOUND_BEFORE).format(each.follows)
        report = seen if seen.get("source") == REPORT else seen.get(REPORT)
        if isinstance(report, dict):
            yield self._reported(report)

    def _reported(self, report: dict[str, Any]) -> str:
        who, why = str(report.get("who", "")), str(report.get("why", ""))
        if who == "customer":
            why = reason_in_words(why, self._language)
        return self._in(w.REPORTED).format(reporter_in_words(who, self._language), why)

    def _found(self, case: Ticket) -> str:
        if case.confirmed_fault is None:
            return self._in(w.NOT_YET)
        found = ", ".join(word("fault", code, self._language) for code in case.confirmed_faults)
        later = ", ".join(
            word("fault", each.fault, self._language) + (f" (#{each.follow_up})" if each.follow_up else "")
            for each in case.suspicions
            if each.state is SuspicionState.DEFERRED
        )
        said = [found or self._in(w.NO_FAULT_FOUND), later and self._in(w.DEFERRED).format(later)]
        return "\n".join(filter(None, said))

    def _work(self, found: Reported, zone: ZoneInfo) -> list[list[str]]:
        case, visit = found.ticket, found.visit
        if visit is None:
            return self._rows(
                (w.REPAIRED, None if case.solved_at is None else self._at(case.solved_at, zone)),
                (w.WORK, self._in(w.NOT_YET)),
            )
        return self._rows(
            (w.ARRIVED, None if visit.arrived is None else self._at(visit.arrived, zone)),
            (w.WORK, self._in(w.MINUTES).format(visit.minutes)),
            (w.REPAIRED, None if case.solved_at is None else self._at(case.solved_at, zone)),
            (w.NEXT, self._next(visit, zone)),
        )

    def _next(self, visit: Visit | None, zone: ZoneInfo) -> str | None:
        if visit is None or visit.next_service is None:
            return None
        return formats.day(visit.next_service, self._language, zone)

    def _parts(self, visit: Visit | None) -> list[list[str]]:
        used = visit.parts if visit else ()
        return [[str(p.quantity), p.serial or "–", word("part", p.code, self._language)] for p in used]

    def _clocks(self, case: Ticket, zone: ZoneInfo) -> list[list[str]]:
        now = self._services.clock.now_ms()
        rows = []
        for clock in self._services.clocks.of(case, now):
            reached = "–" if clock.done_at is None else self._at(clock.done_at, zone)
            until = "–" if clock.due is None else self._at(clock.due, zone)
            kept = {"met": w.KEPT, "breached": w.LATE}.get(clock.status, w.RUNS)
            rows.append([word("milestone", clock.milestone, self._language), until, reached, self._in(kept)])
        return rows

    def _chart(self, case: Ticket, zone: ZoneInfo) -> tuple[str | None, str]:
        driver = _decisive(case.suspicions)
        if driver is None or driver.course is None:
            return None, ""
        offset = datetime.fromtimestamp(driver.course.start / 1000, zone).utcoffset() or timedelta()
        local = replace(driver.course, start=driver.course.start + round(offset.total_seconds() * 1000))
        title = self._in(w.BEFORE).format(self._services.explain(driver, self._language))
        return on_white(draw_course(local, driver.unit, self._language)), title

    def _label(self, found: Reported, engineer: str, zone: ZoneInfo) -> dict[str, Any]:
        case = found.ticket
        address = f"{self._services.closing.address}tickets/{case.id}"
        drawn = segno.make(address, error="m", micro=False)
        repaired = None if case.solved_at is None else formats.day(case.solved_at, self._language, zone)
        return {
            "device": case.device_id,
            "address": address,
            "code": drawn.svg_inline(border=2, dark="#000", light="#fff"),
            "rows": self._rows(
                (w.DAY, repaired), (w.HEADS["engineer"], engineer), (w.NEXT, self._next(found.visit, zone))
            ),
        }

    def _at(self, ms: int, zone: ZoneInfo) -> str:
        return f"{formats.day(ms, self._language, zone)} {formats.clock(ms, zone)}"


def _decisive(suspicions: Sequence[Suspicion]) -> Driver | None:
    """Return the signal to draw: of what was confirmed before what was only suspected."""
    ranked = sorted(suspicions, key=lambda each: each.state is not SuspicionState.CONFIRMED)
    drivers = (driver_with_course(each.evidence.get("drivers")) for each in ranked)
    return next((each for each in drivers if each is not None), None)
