"""Renders the console's templates: one Jinja environment for each language."""

import json
from base64 import b64encode
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import tzinfo
from functools import partial
from hashlib import sha256
from pathlib import Path
from typing import Annotated, Any

from fastapi import Depends, Request
from fastapi.responses import HTMLResponse
from jinja2 import Environment, FileSystemLoader, StrictUndefined, pass_context
from jinja2.runtime import Context
from starlette.datastructures import URL

from access.doors import Visitor
from alerts.care.evidence import WINDOW_MS
from api.console.render import formats
from api.console.render.dispatch_words import (
    causes_in_words,
    point_in_words,
    speaks_for,
    why_in_words,
)
from api.console.render.language import COOKIE, HTML_TAGS, language_of, translations
from api.console.render.payloads import visible
from api.console.render.reasons import (
    group_in_words,
    principal_in_words,
    reason_in_words,
    reporter_in_words,
    rule_in_words,
)
from api.console.render.stock_words import basis_in_words
from api.console.render.told import refusal_by_kind, told
from api.console.render.told_of_plans import plan_mistake_told
from api.console.render.told_of_rules import doubt_told, mistake_told
from api.console.render.words import NO_YES, word
from api.doors import visitor_or_none
from api.services import ApiServices
from fleet.alerts import said_by_device
from fleet.clock import to_rfc3339
from fleet.condition import condition_of
from fleet.grants import Permission, Role
from fleet.risks import Driver
from fleet.service import ServiceFile
from fleet.text import LANGUAGES, Language

_HERE = Path(__file__).parents[1]
STATIC = _HERE / "static"
_COORDINATES = frozenset({"lat", "lon"})
"""Shown to about a metre; three digits would be some ten kilometres."""
_YEAR_S = 365 * 86_400


@dataclass(frozen=True)
class Pages:
    """Renders pages over the services; made once by `make_pages`."""

    services: ApiServices
    environments: dict[Language, Environment]

    def render(
        self, request: Request, template: str, code: int = 200, site: str | None = None, **values: Any
    ) -> HTMLResponse:
        """Render one page in the request's language, by the clock of `site` where it is about one."""
        language, visitor = language_of(request), visitor_or_none(request, self.services)
        page = self.environments[language].get_template(template)
        html = page.render(
            **values,
            request=request,
            language=language,
            now=self.services.clock.now_ms(),
            zone=self.services.zones.of(site),
            progress=self.services.progress(),
            notice=self.services.notice(),
            demo=self.services.demo,
            speed=self.services.speed,
            visitor=visitor,
            is_engineer=_is_engineer(visitor),
            may=lambda permission: _may(visitor, permission),
            may_everywhere=lambda permission: _may(visitor, permission, everywhere=True),
            filtered=any(value and name != COOKIE for name, value in request.query_params.items()),
            other_language=_other_language(request, language),
        )
        response = HTMLResponse(html, code, headers={"Cache-Control": "no-store", "Vary": "Accept-Language"})
        if "lang" in request.query_params:
            response.set_cookie(COOKIE, language, max_age=_YEAR_S, samesite="lax", httponly=True)
        return response

    def error(self, request: Request, status: int, detail: str) -> HTMLResponse:
        """Render an error for a person."""
        return self.render(request, "error.html", status, status=status, detail=detail)


async def _pages_of(request: Request) -> Pages:
    pages: Pages = request.app.state.pages
    return pages


Console = Annotated[Pages, Depends(_pages_of)]
"""A route's parameter that takes what renders the console's pages."""


def _may(visitor: Visitor | None, permission: str, *, everywhere: bool = False) -> bool:
    """Tell whether something is open to who asks, at some site at least; or at all of them."""
    if visitor is None or visitor.must_set_up:
        return False
    reach = visitor.principal.reach(Permission(permission))
    return reach is None if everywhere else reach != frozenset()


def _is_engineer(visitor: Visitor | None) -> bool:
    """Tell whether somebody has the role of an engineer: theirs is the page of the day."""
    return visitor is not None and any(grant.role is Role.ENGINEER for grant in visitor.principal.grants)


def make_pages(services: ApiServices) -> Pages:
    """Return the renderer; reads the templates and the catalogues."""
    return Pages(services, {language: _environment(services, language) for language in LANGUAGES})


def _environment(services: ApiServices, language: Language) -> Environment:
    environment = Environment(
        loader=FileSystemLoader(_HERE / "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        extensions=["jinja2.ext.i18n", "jinja2.ext.do"],
        trim_blocks=True,
        lstrip_blocks=True,
    )
    words = translations(language)
    environment.install_gettext_translations(words, newstyle=True)  # type: ignore[attr-defined]
    filters: dict[str, Callable[..., Any]] = {
        "word": lambda value, table: word(table, value, language),
        "words": lambda values, table: ", ".join(word(table, each, language) for each in values),
        "moment": _in_zone(formats.moment, language),
        "second": _in_zone(formats.second, language),
        "day": _in_zone(formats.day, language),
        "weekday_in": lambda ms, zone: formats.weekday(ms, language, zone),
        "dayname_in": lambda ms, zone: formats.dayname(ms, language, zone),
        "clock_in": formats.clock,
        "zone_in": formats.zone_name,
        "clock": lambda ms, site: formats.clock(ms, services.zones.of(site)),
        "point": lambda point: point_in_words(point.what, point.about, point.amount, language),
        "speaks_for": speaks_for,
        "causes": partial(causes_in_words, language=language),
        "chosen": partial(why_in_words, language=language),
        "basis": partial(basis_in_words, language=language),
        "duration": partial(formats.duration, language=language),
        "whole_minutes": formats.whole_minutes,
        "percent": partial(formats.percent, language=language),
        "money": partial(formats.money, language=language),
        "times": partial(formats.times, language=language),
        "number": partial(formats.number, language=language),
        "about": partial(formats.about, language=language),
        "visible": visible,
        "reason": lambda reason, by=None, subject=None: reason_in_words(
            reason, language, services.rules, by, subject
        ),
        "principal": partial(principal_in_words, language=language, rules=services.rules),
        "group": partial(group_in_words, language=language),
        "reporter": partial(reporter_in_words, language=language),
        "rule": lambda name, evidence: rule_in_words(name, language, services.rules, evidence),
        "told": partial(told, language=language),
        "refusal": refusal_by_kind,
        "mistake": partial(mistake_told, language=language),
        "doubt": partial(doubt_told, language=language),
        "plan_mistake": partial(plan_mistake_told, language=language),
        "text": lambda text: text.in_language(language),
        "rfc3339": to_rfc3339,
        "risk_band": risk_band,
        "base64": lambda data: b64encode(data).decode(),
        "iso_day": _in_zone(lambda ms, _language, zone: formats.iso_day(ms, zone), language),
        "condition": lambda device, now: condition_of(device, services.codes, now),
        "said": said,
        "item": lambda code: item_named(services.work.procedure.service, code, language),
        "shown": partial(shown_value, services=services, language=language),
        "drivers": partial(explained, services=services, language=language),
        "driver_with_course": driver_with_course,
        "sentence": lambda driver: services.explain(driver, language),
    }
    environment.filters |= filters
    environment.globals |= {
        "static": _static_urls(),
        "html_tag": HTML_TAGS[language],
        "signals": services.signals,
        "window_ms": WINDOW_MS,
        "file_mb": lambda: services.intake.files.limits.size // 2**20,
        "replace_query": replace_query,
    }
    return environment


def _in_zone(format_time: Callable[[int, Language, tzinfo], str], language: Language) -> Callable[..., str]:
    """Return a filter that writes a time by the clock of the page that it stands on."""

    @pass_context
    def written(context: Context, ms: int) -> str:
        return format_time(ms, language, context["zone"])

    return written


def _static_urls() -> dict[str, str]:
    """Return the address of each static file, with a mark that changes when the file does."""
    return {
        path.name: f"/static/{path.name}?v={sha256(path.read_bytes()).hexdigest()[:10]}"
        for path in STATIC.iterdir()
    }


def _other_language(request: Request, language: Language) -> tuple[Language, str]:
    """Return the language to switch to, and the address of this page in it."""
    other: Language = "en" if language == "zh" else "zh"
    return other, replace_query(request.url, lang=other)


def replace_query(url: URL, **changes: str) -> str:
    """Return the path of `url` with its query changed, and without a cursor that no longer fits."""
    left = url.remove_query_params(["cursor", "limit", *changes])
    changed = left.include_query_params(**changes)
    return changed.path + (f"?{changed.query}" if changed.query else "")


def risk_band(risk: float | None) -> str:
    """Return how a risk is shown: none, low, medium (from 20 %) or high (from 50 %)."""
    if risk is None:
        return "none"
    return "high" if risk >= 0.5 else "medium" if risk >= 0.2 else "low"


def shown_value(value: object, signal: str, services: ApiServices, language: Language) -> str:
    """Return a value of a signal with its unit, a state by its name; None is an error code that is over."""
    if value is None:
        return {"en": "none", "zh": "无"}[language]
    if signal == "state":
        return word("robot", str(value), language)
    if isinstance(value, bool):
        return NO_YES[language][value]
    if isinstance(value, int | float):
        if signal in _COORDINATES:
            return f"{value:.5f} {services.signals[signal].unit}"
        return formats.quantity(value, services.signals[signal].unit, language)
    return str(value)


def item_named(service: ServiceFile, code: str, language: Language) -> str:
    """Return what an item of a checklist or a cause of lateness says; one that is gone shows its id."""
    items = (*service.late_causes, *(item for each in service.checklists for item in each.items))
    return next((item.text.in_language(language) for item in items if item.id == code), code)


def said(evidence: Mapping[str, Any]) -> dict[str, Any] | None:
    """Return what a device itself said, every key there: a code that nobody knows has no meaning."""
    found = said_by_device(evidence)
    return None if found is None else {"code": None, "state": None, "meaning": None, **found}


def driver_with_course(stored: object) -> Driver | None:
    """Return the first driver that has a course to draw; `stored` is JSON or a list."""
    return next((driver for driver in _drivers(stored) if driver.course is not None), None)


def _drivers(stored: object) -> list[Driver]:
    found = json.loads(stored) if isinstance(stored, str) else stored
    return [Driver.from_dict(driver) for driver in found] if isinstance(found, list) else []


def explained(stored: object, services: ApiServices, language: Language) -> list[dict[str, str | None]]:
    """Return each driver as a sentence with its value and what is usual; `stored` is JSON or a list."""
    return [_explained(driver, services, language) for driver in _drivers(stored)]


def _explained(driver: Driver, services: ApiServices, language: Language) -> dict[str, str | None]:
    def shown(value: float | None, beside: float | None) -> str | None:
        return None if value is None else formats.quantity(value, driver.unit, language, beside or 0.0)

    return {
        "signal": driver.signal,
        "sentence": services.explain(driver, language),
        "value": shown(driver.value, driver.usual),
        "usual": shown(driver.usual, driver.value),
    }
