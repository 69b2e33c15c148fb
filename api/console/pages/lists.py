"""The console's page of lists: give one out, look at what a file would change, then take it."""

from secrets import token_urlsafe
from typing import Annotated, Any

from fastapi import APIRouter, File, Form, Request, Response, UploadFile
from fastapi.responses import HTMLResponse

from api.console.pages.tried import tried
from api.console.render.asked import NoQuery, asked
from api.console.render.templates import Console, Pages
from api.doors import ActingByForm, ExportsLists, ManagesService
from api.routes.lists import SHOWN_FIRST, exported
from api.services import Services
from desk.lists.sheets import SHEETS
from fleet.clock import HOUR_MS
from fleet.errors import Conflict, InvalidInput
from fleet.lists import ListKind, ListReport
from fleet.principals import Principal
from storage.records.uploads import drop_upload, keep_upload, upload_of

_KEPT_MS = HOUR_MS
_SHOWN = 200


router = APIRouter(include_in_schema=False, default_response_class=HTMLResponse)


@router.get("/lists")
def lists_page(request: Request, pages: Console, _sites: ExportsLists) -> Response:
    """Show which lists there are."""
    asked(request, NoQuery)
    return _shown(pages, request)


@router.get("/lists/{kind}.csv")
def export(request: Request, services: Services, _sites: ExportsLists, kind: ListKind) -> Response:
    """Give out a list."""
    asked(request, NoQuery)
    return exported(services, kind)


@router.post("/lists/{kind}")
def look(
    request: Request,
    pages: Console,
    services: Services,
    _sites: ManagesService,
    principal: ActingByForm,
    kind: ListKind,
    file: Annotated[UploadFile | str | None, File()] = None,
) -> Response:
    """Say row by row what a file would change; it is kept for an hour, to be taken."""

    def change() -> Response:
        content = b"" if file is None or isinstance(file, str) else file.file.read()
        if not content:
            raise InvalidInput("file: choose a file first; allowed: CSV")
        report = services.lists.look(kind, content)
        key, now = token_urlsafe(32), services.clock.now_ms()
        with services.desk.transaction() as session:
            keep_upload(session, key, _who(principal), kind, content, now, now + _KEPT_MS)
        return _shown(pages, request, report=report, key=key)

    return tried(change, lambda status, why: _shown(pages, request, status, kind=kind, error=why))


@router.post("/lists/{kind}/take")
def take(
    request: Request,
    pages: Console,
    services: Services,
    _sites: ManagesService,
    principal: ActingByForm,
    kind: ListKind,
    key: Annotated[str, Form(max_length=64)] = "",
    all_or_nothing: Annotated[str, Form(max_length=8)] = "",
) -> Response:
    """Take the file that was looked at."""

    def change() -> Response:
        now = services.clock.now_ms()
        with services.desk.transaction() as session:
            content = upload_of(session, key, _who(principal), kind, now)
        if content is None:
            raise Conflict("this file is not there any more: choose it again")
        report = services.lists.take(kind, content, principal, all_or_nothing=bool(all_or_nothing))
        services.doors.forget()  # regions may reach other sites now
        with services.desk.transaction() as session:
            drop_upload(session, key)
        return _shown(pages, request, report=report)

    return tried(change, lambda status, why: _shown(pages, request, status, kind=kind, error=why))


def _who(principal: Principal) -> str:
    return f"{principal.kind}:{principal.id}"[:96]


def _shown(
    pages: Pages,
    request: Request,
    status: int = 200,
    *,
    report: ListReport | None = None,
    key: str = "",
    kind: ListKind | None = None,
    error: str | None = None,
) -> Response:
    rows = [] if report is None else sorted(report.rows, key=lambda each: SHOWN_FIRST.index(each.verdict))
    values: dict[str, Any] = {
        "kinds": [(str(each), SHEETS[each].names) for each in ListKind],
        "report": report,
        "counts": {} if report is None else {str(name): count for name, count in report.counts.items()},
        "rows": rows[:_SHOWN],
        "left_off": max(0, len(rows) - _SHOWN),
        "key": key,
        "tried": kind,
        "error": error,
    }
    return pages.render(request, "service/lists.html", status, **values)
