"""The console's pages of models: which are in use, how good they are, and whom to visit by them."""

from typing import Annotated, Any

import numpy as np
import polars as pl
from fastapi import APIRouter, Path, Request, Response
from fastapi.responses import HTMLResponse
from pydantic import Field

from api.console.charts import models as model_charts
from api.console.pages.charts import svg
from api.console.render.asked import NoQuery, asked
from api.console.render.language import language_of
from api.console.render.templates import Console
from api.doors import SeesModels, SeesVisits
from api.params import Params, VisitQuery
from api.queries.models import ModelQuery, find_model, find_models
from api.services import ApiServices, Services
from desk.dispatch.visits import FoundVisits
from fleet.alerts import INSTALLATION, Alert
from fleet.errors import NotFound
from models.learning.costs import CostCurve
from storage.records.alerts import open_alerts
from storage.records.device_lists import filter_choices
from storage.records.model_cards import CHAMPION, ModelCard, model_events

_MOST_SHOWN = 100
ModelId = Annotated[str, Path(min_length=1, max_length=64)]


class CardView(Params):
    """The address of a chart of a card; `at` only tells one state of it from the next."""

    at: int | None = None


class VisitView(VisitQuery):
    """The address of the page of visits."""

    budget: int = Field(10, ge=0, le=500)


router = APIRouter(include_in_schema=False, default_response_class=HTMLResponse)


@router.get("/models")
def models_page(request: Request, pages: Console, services: Services, _sites: SeesModels) -> Response:
    """List the models of each fault, and what is wrong with those in use."""
    asked(request, NoQuery)
    found = find_models(services, ModelQuery())
    faults: dict[str, list[tuple[ModelCard, str | None]]] = {}
    for card, wrong in found:
        faults.setdefault(card.fault, []).append((card, wrong))
    return pages.render(request, "models/models.html", faults=faults, alerts=_about_models(services))


@router.get("/models/{model_id}")
def model_page(
    request: Request, pages: Console, services: Services, _sites: SeesModels, model_id: ModelId
) -> Response:
    """Show one model's card: data, figures, charts, and what was done to it."""
    asked(request, NoQuery)
    card = find_model(services, model_id)
    return pages.render(
        request,
        "models/model.html",
        card=card,
        champion=CHAMPION,
        details=card.details,
        wrong=services.model_trouble(card),
        events=model_events(services.desk, card.id),
        saving=_saving(card),
        currency=services.currency,
    )


@router.get("/models/{model_id}/charts/calibration.svg")
def calibration_svg(request: Request, services: Services, _sites: SeesModels, model_id: ModelId) -> Response:
    """Draw how true a model's risks are."""
    asked(request, CardView)
    points = find_model(services, model_id).details.get("calibration")
    if not points:
        raise NotFound("the card of this model holds no calibration")
    return svg(model_charts.draw_calibration(points, language_of(request)))


@router.get("/models/{model_id}/charts/costs.svg")
def costs_svg(request: Request, services: Services, _sites: SeesModels, model_id: ModelId) -> Response:
    """Draw what each threshold of a model costs."""
    asked(request, CardView)
    card = find_model(services, model_id)
    curve = _curve(card)
    if curve is None:
        raise NotFound("the card of this model holds no cost curve")
    threshold, relative = curve
    drawn = model_charts.draw_costs(threshold, relative, card.threshold, language_of(request))
    return svg(drawn)


@router.get("/visits")
def visits_page(request: Request, pages: Console, services: Services, sites: SeesVisits) -> Response:
    """Rank devices by the cost that a visit avoids."""
    query = asked(request, VisitView)
    found = services.visits.find(query.budget, query.site, sites)
    plan = found.plan
    with services.desk.transaction() as session:
        places, _models = filter_choices(session, sites)
    return pages.render(
        request,
        "desk/visits.html",
        query=query,
        plan=plan,
        currency=services.currency,
        visits=_rows(plan.visits, found),
        calls=_rows(plan.calls.head(_MOST_SHOWN), found),
        under_way=[*_stopped(found)[:_MOST_SHOWN], *_rows(found.under_way.head(_MOST_SHOWN), found)],
        sites=places,
    )


def _rows(rows: pl.DataFrame, found: FoundVisits) -> list[dict[str, Any]]:
    return [
        row
        | {
            "device": found.devices.get(row["device_id"]),
            "ticket": found.tickets.get(row["device_id"]),
            "pairs": list(zip(row["faults"], row["risks"], strict=True)),
        }
        for row in rows.to_dicts()
    ]


def _stopped(found: FoundVisits) -> list[dict[str, Any]]:
    """Return rows for devices that stand in an error and have a ticket, whatever a model thinks of them."""
    return [
        {"device_id": each, "device": found.devices[each], "ticket": found.tickets[each], "pairs": []}
        for each in found.stopped
    ]


def _curve(card: ModelCard) -> tuple[list[float], list[float]] | None:
    stored, costs = card.details.get("curve"), card.details.get("costs")
    if not stored or not costs:
        return None
    curve = CostCurve.from_dict(stored)
    relative = curve.relative(costs["act"], costs["wait"], costs.get("unfounded", 0.0))
    if not np.isfinite(relative).all():
        return None
    return curve.threshold.tolist(), relative.tolist()


def _saving(card: ModelCard) -> float | None:
    """Return the share of the cost of never acting that is saved on held-out rows at the card's threshold."""
    curve = _curve(card)
    if curve is None:
        return None
    return 1 - float(np.interp(card.threshold, curve[0], curve[1]))


def _about_models(services: ApiServices) -> list[Alert]:
    with services.desk.transaction() as session:
        return open_alerts(session, INSTALLATION)
