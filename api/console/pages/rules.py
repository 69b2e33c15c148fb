"""The console's pages of rules: what is looked for, its versions, and an editor that tries them."""

from dataclasses import dataclass
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Form, Request, Response
from fastapi.responses import HTMLResponse, RedirectResponse
from pydantic import Field

from alerts.backtest.backtest import Asked
from alerts.judging.doubts import doubts
from alerts.rule_diff import rule_changes
from alerts.trials import MOST_DAYS
from api.console.pages.tried import tried
from api.console.render.asked import NoQuery, asked
from api.console.render.templates import Console, Pages
from api.doors import ActingByForm, ChangesRules, Known, SeesFleet
from api.params import Params
from api.queries.rules import RECENT_DAYS, backtest_item, rules_at_work
from api.rule_schemas import VersionNumber
from api.services import Services
from fleet.errors import InvalidInput
from fleet.events import Subject
from fleet.faults import DEVICE_ERROR
from fleet.grants import Permission, Sites
from fleet.principals import Principal
from fleet.rule_versions import MOST_CHARACTERS
from fleet.text import quoted
from storage.records.alert_lists import told_codes
from storage.records.events import events_of

_DAYS = 30
_MOST_CODES = 50


class EditorView(Params):
    """The address of the editor: the version from which it begins, else the one at work."""

    version: int | None = Field(None, ge=0, lt=2**31)


@dataclass(frozen=True)
class _Entered:
    """What the editor's form holds."""

    document: str
    days: str = str(_DAYS)
    rule: str = ""
    note: str = ""


router = APIRouter(include_in_schema=False, default_response_class=HTMLResponse)


@router.get("/rules")
def rules_page(request: Request, pages: Console, visitor: Known, sites: SeesFleet) -> Response:
    """List the rules at work, what no file explains, and the versions for whoever may change them."""
    asked(request, NoQuery)
    return _rules(pages, request, visitor.principal, sites)


@router.get("/rules/edit")
def editor_page(request: Request, pages: Console, services: Services, _sites: ChangesRules) -> Response:
    """Show a document to be changed."""
    version = asked(request, EditorView).version
    entered = _Entered(services.book.document(services.book.active() if version is None else version))
    return _editor(pages, request, entered)


@router.post("/rules/edit")
def use_editor(
    request: Request,
    pages: Console,
    services: Services,
    _sites: ChangesRules,
    principal: ActingByForm,
    document: Annotated[str, Form(max_length=2 * MOST_CHARACTERS)] = "",
    step: Annotated[Literal["check", "test", "backtest", "propose"], Form()] = "check",
    days: Annotated[str, Form(max_length=8)] = str(_DAYS),
    rule: Annotated[str, Form(max_length=64)] = "",
    note: Annotated[str, Form(max_length=1000)] = "",
) -> Response:
    """Check a document, try it, or keep it as a version; it comes back with what was found."""
    text = document.replace("\r\n", "\n").replace("\0", "")
    entered = _Entered(text, days, rule.strip(), note)

    def change() -> Response:
        checked = services.book.check(text)
        if checked.mistakes:
            return _editor(pages, request, entered, 422, mistakes=checked.mistakes)
        if step == "propose":
            return _to(f"/rules/versions/{services.book.propose(text, principal, note)}")
        return _editor(pages, request, entered, **_found(pages, step, entered))

    return tried(change, lambda status, why: _editor(pages, request, entered, status, why), 404)


@router.get("/rules/versions/{version}")
def version_page(request: Request, pages: Console, _sites: ChangesRules, version: VersionNumber) -> Response:
    """Show a version: what it changes, its history, its document, and how it is put to work."""
    asked(request, NoQuery)
    return _version(pages, request, version)


@router.post("/rules/versions/{version}/activate")
def activate(
    request: Request,
    pages: Console,
    services: Services,
    _sites: ChangesRules,
    principal: ActingByForm,
    version: VersionNumber,
    why: Annotated[str, Form(max_length=1000)] = "",
    over: Annotated[str, Form(max_length=10)] = "",
    force: Annotated[str, Form(max_length=8)] = "",
) -> Response:
    """Put a version to work, if the one at work is still that which its page compared it with."""
    services.book.document(version)

    def change() -> Response:
        known = int(over) if over.isdecimal() else None
        services.book.activate(version, principal, why, force=bool(force), over=known)
        return _to("/rules")

    return tried(change, lambda status, said: _version(pages, request, version, status, said))


def _rules(pages: Pages, request: Request, principal: Principal, sites: Sites) -> Response:
    services = pages.services
    at_work, raised = rules_at_work(services, sites)
    changes = principal.reach(Permission.RULES_CHANGE) is None
    with services.desk.transaction() as session:
        told = told_codes(session, DEVICE_ERROR, sites)
    unknown = [each for each in told if not services.codes.knows(each.model, each.code)]
    return pages.render(
        request,
        "rules/rules.html",
        rules=at_work.rules,
        number=at_work.number,
        raised=raised,
        recent_days=RECENT_DAYS,
        changes=changes,
        versions=services.book.versions() if changes else (),
        unknown=unknown[:_MOST_CODES],
    )


def _editor(
    pages: Pages,
    request: Request,
    entered: _Entered,
    status: int = 200,
    error: str | None = None,
    **found: Any,
) -> Response:
    empty = {"mistakes": (), "checked": None, "changes": (), "tried": None, "backtest": None}
    return pages.render(
        request,
        "rules/editor.html",
        status,
        entered=entered,
        error=error,
        status=status,
        most=MOST_CHARACTERS,
        most_days=MOST_DAYS,
        **(empty | found),
    )


def _found(pages: Pages, step: str, entered: _Entered) -> dict[str, Any]:
    """Return what one step of the editor finds out about a document without mistakes."""
    services = pages.services
    if step == "test":
        return {"tried": services.trials.examples(entered.document)}
    if step == "backtest":
        wanted = Asked(_number(entered.days), entered.rule or None)
        return {
            "backtest": backtest_item(
                services.trials.backtest(services.book.usable(entered.document), wanted)
            )
        }
    active = services.book.document(services.book.active())
    checked = services.book.check(entered.document)
    changes = rule_changes(active, entered.document)
    return {"checked": len(checked.rules), "doubts": doubts(checked.rules), "changes": changes}


def _number(days: str) -> float:
    try:
        return float(days)
    except ValueError:
        raise InvalidInput(f"days: {quoted(days)} is no number") from None


def _version(
    pages: Pages, request: Request, number: int, status: int = 200, error: str | None = None
) -> Response:
    services = pages.services
    active = services.book.active()
    document = services.book.document(number)
    with services.desk.transaction() as session:
        events = events_of(session, Subject.RULES, str(number))
    return pages.render(
        request,
        "rules/version.html",
        status,
        number=number,
        active=active,
        document=document,
        changes=services.book.diff(active, number),
        events=events,
        error=error,
        status=status,
    )


def _to(address: str) -> Response:
    """Return to a page by GET, so that a reload posts nothing again."""
    return RedirectResponse(address, status_code=303)
