"""The console's pages of engineers: who they are, what they are able to do, and what falls due."""

from typing import Any
from urllib.parse import quote

from fastapi import APIRouter, Request, Response
from fastapi.responses import HTMLResponse, RedirectResponse

from access.doors import Visitor
from api.console.pages.service_forms import Entered, Said, Tried, blank, typed, version_in
from api.console.pages.tried import tried
from api.console.render.asked import NoQuery, SavedView, asked
from api.console.render.templates import Console, Pages
from api.doors import ActingByForm, Known, ManagesService, SeesFleet
from api.routes.common import Key
from api.routes.customers import sees_service
from api.services import Services
from desk.lists.cells import KEY, text
from desk.lists.sheets import row_said
from fleet.engineers import able, known_skills, trained_hours
from fleet.errors import InvalidInput
from fleet.grants import Sites
from fleet.lists import ListKind
from fleet.regions import Region
from fleet.stars import LOOK_BACK_MS, as_stars
from fleet.text import Text
from storage.records.absences import absences_from
from storage.records.engineers import (
    engineer_columns,
    engineer_from,
    engineer_of,
    engineers,
    regions,
    regions_of,
)
from storage.records.judgements import judgements

_NO_REGION = {"id": "", "name_en": "", "name_zh": "", "leader": "", "director": "", "version": ""}


router = APIRouter(include_in_schema=False, default_response_class=HTMLResponse)


@router.get("/engineers")
def engineers_page(request: Request, pages: Console, visitor: Known, sites: SeesFleet) -> Response:
    """List the engineers, the regions, and what falls due."""
    asked(request, NoQuery)
    return _list(pages, request, visitor, sites)


@router.get("/engineers/{engineer_id}")
def engineer_page(
    request: Request, pages: Console, visitor: Known, sites: SeesFleet, engineer_id: Key
) -> Response:
    """Show an engineer: what they are able to do, when they work, what falls due."""
    saved = asked(request, SavedView).saved
    return show_engineer(pages, request, visitor, sites, engineer_id, Tried(saved=saved))


@router.post("/engineers")
def add(
    request: Request,
    pages: Console,
    services: Services,
    visitor: Known,
    sites: ManagesService,
    principal: ActingByForm,
    said: Said,
) -> Response:
    """Describe an engineer whom nobody has described yet."""

    def change() -> Response:
        row = row_said(ListKind.ENGINEERS, said.get("id", ""), said)
        return _to(services.service.engineer(engineer_from(_whole(row)), principal, 0).id)

    def again(status: int, why: str) -> Response:
        return _list(pages, request, visitor, sites, Tried(status, why, said))

    return tried(change, again)


@router.post("/regions")
def change_region(
    request: Request,
    pages: Console,
    services: Services,
    visitor: Known,
    sites: ManagesService,
    principal: ActingByForm,
    said: Said,
) -> Response:
    """Say who leads a region, and who answers for it."""

    def change() -> Response:
        services.service.region(_region(said), principal, version_in(said))
        return RedirectResponse("/engineers", status_code=303)

    def again(status: int, why: str) -> Response:
        return _list(pages, request, visitor, sites, Tried(status, why, beside=said))

    return tried(change, again)


@router.post("/engineers/{engineer_id}")
def change_engineer(
    request: Request,
    pages: Console,
    services: Services,
    visitor: Known,
    sites: ManagesService,
    principal: ActingByForm,
    engineer_id: Key,
    said: Said,
) -> Response:
    """Say who an engineer is, in place of what was said before."""

    def change() -> Response:
        row = row_said(ListKind.ENGINEERS, engineer_id, said)
        services.service.engineer(engineer_from(_whole(row)), principal, version_in(said))
        return _to(engineer_id, saved=True)

    def again(status: int, why: str) -> Response:
        return show_engineer(pages, request, visitor, sites, engineer_id, Tried(status, why, said))

    return tried(change, again)


def _to(engineer_id: str, *, saved: bool = False) -> Response:
    address = f"/engineers/{quote(engineer_id, safe='')}"
    return RedirectResponse(f"{address}?saved=1" if saved else address, status_code=303)


def _whole(row: dict[str, Any]) -> dict[str, Any]:
    if (row["home_lat"] is None) != (row["home_lon"] is None):
        raise InvalidInput("home_lat, home_lon: allowed: both or none")
    return row


def _region(said: Entered) -> Region:
    read = {"id": KEY, "name_en": text(128), "name_zh": text(128)}
    found = {}
    for name, reader in read.items():
        try:
            found[name] = reader(said.get(name, ""))
        except ValueError as error:
            raise InvalidInput(f"{name}: {error}") from error
    called = Text(found["name_en"], found["name_zh"])
    return Region(found["id"], called, said.get("leader", ""), said.get("director", ""))


def _list(
    pages: Pages,
    request: Request,
    visitor: Visitor,
    sites: Sites,
    form: Tried = Tried(),  # noqa: B008 - frozen
) -> Response:
    book, sees = pages.services.service, sees_service(visitor)
    with pages.services.desk.transaction() as session:
        found, areas = engineers(session, sites), regions(session, sites)
        named = sorted(regions_of(session, sites) - {each.id for each in areas})
    today = book.today()
    values: dict[str, Any] = {
        "engineers": [
            (each, sorted(skill for skill in each.skills if able(each, skill, today, book.demands)))
            for each in found
        ],
        "regions": areas,
        "undescribed": named,
        "dues": book.dues(sites) if sees else [],
        "names": {each.id: each.name for each in found},
        "today": today,
        "sees": sees,
        "skills": known_skills(),
        "error": form.error,
        "entered": blank(ListKind.ENGINEERS) | (form.entered or {}),
        "tried": form.entered is not None,
        "region": _NO_REGION | (form.beside or {}),
        "region_tried": form.beside is not None,
    }
    return pages.render(request, "service/engineers.html", form.status, **values)


def show_engineer(
    pages: Pages,
    request: Request,
    visitor: Visitor,
    sites: Sites,
    engineer_id: str,
    form: Tried = Tried(),  # noqa: B008 - frozen
) -> Response:
    """Return the page of an engineer with its forms."""
    book = pages.services.service
    with pages.services.desk.transaction() as session:
        one = engineer_of(session, engineer_id, sites)
        others = [each for each in engineers(session, sites) if each.id != engineer_id]
        areas = sorted(regions_of(session, sites) | {each.id for each in regions(session, sites)})
        now = pages.services.clock.now_ms()
        away = absences_from(session, now, engineer_id)
        known = judgements(session, now - LOOK_BACK_MS, now + 1).get(one.account or 0, {})
    today = book.today()
    columns = typed(ListKind.ENGINEERS, engineer_columns(one))
    values: dict[str, Any] = {
        "engineer": one,
        "able": sorted(skill for skill in one.skills if able(one, skill, today, book.demands)),
        "dues": book.dues_of(one),
        "hours": trained_hours(one, today.year),
        "demanded": book.demands.training_hours,
        "judged": {part: (as_stars(each.share), each.share, each.count) for part, each in known.items()},
        "others": others,
        "away": away,
        "areas": areas,
        "today": today,
        "sees": sees_service(visitor),
        "skills": known_skills(),
        "error": form.error,
        "saved": form.saved,
        "entered": columns | (form.entered or {}),
    }
    return pages.render(request, "service/engineer.html", form.status, **values)
