"""The trained models: their cards, and whom to visit by what they say."""

from typing import Annotated, Any

from fastapi import APIRouter, Path, Query

from api.doors import SeesModels, SeesVisits
from api.model_schemas import ModelDetail, ModelItem, VisitFault, VisitItem, VisitPlan
from api.params import VisitQuery
from api.queries.models import ModelQuery, find_model, find_models
from api.routes.common import Nothing, problems
from api.schemas import ListOf
from api.services import Services
from api.ticket_items import event_item
from desk.dispatch.visits import FoundVisits
from storage.records.model_cards import ModelCard, model_events

router = APIRouter(prefix="/api/v1", tags=["models"])
ModelId = Annotated[str, Path(min_length=1, max_length=64, examples=["brush_jam-1795334400000-1f0c2ab9"])]


@router.get("/models", responses=problems())
def list_models(
    services: Services, _sites: SeesModels, query: Annotated[ModelQuery, Query()]
) -> ListOf[ModelItem]:
    """List the models of each fault, those in use first, with their figures on held-out time."""
    return ListOf(items=[ModelItem(**_item(card, wrong)) for card, wrong in find_models(services, query)])


@router.get("/models/{model_id}", responses=problems(not_found="There is no such model"))
def show_model(services: Services, _sites: SeesModels, model_id: ModelId, _: Nothing) -> ModelDetail:
    """Show a model's whole card and what was done to it."""
    card = find_model(services, model_id)
    events = [event_item(event) for event in model_events(services.desk, card.id)]
    return ModelDetail(**_item(card, services.model_trouble(card)), details=card.details, events=events)


def _item(card: ModelCard, problem: str | None) -> dict[str, Any]:
    return {
        "id": card.id,
        "fault": card.fault,
        "state": card.state,
        "created": card.created,
        "threshold": card.threshold,
        "sha256": card.sha256,
        "features_sha256": card.features_sha256,
        "replaced": card.replaced,
        "problem": problem,
        "metrics": card.details.get("metrics", {}),
        "trial": card.details.get("trial"),
        "proof": card.details.get("proof"),
    }


@router.get("/visits", responses=problems())
def list_visits(services: Services, sites: SeesVisits, query: Annotated[VisitQuery, Query()]) -> VisitPlan:
    """Rank devices by the expected cost that a visit avoids, as many as the budget allows.

    `calls` are customers who can mend a fault alone: they take nothing of the budget. What
    would pay at devices with an open ticket is not planned anew but `under_way`, with its ticket.
    """
    found = services.visits.find(query.budget, query.site, sites)
    plan = found.plan
    return VisitPlan(
        budget=query.budget,
        worthwhile=plan.worthwhile,
        ticketed=found.under_way.height,
        avoided=plan.avoided,
        currency=services.currency,
        items=[_visit(row, found) for row in plan.visits.iter_rows(named=True)],
        calls=[_visit(row, found) for row in plan.calls.iter_rows(named=True)],
        under_way=[_visit(row, found) for row in found.under_way.iter_rows(named=True)],
    )


def _visit(row: dict[str, Any], found: FoundVisits) -> VisitItem:
    device = found.devices.get(row["device_id"])
    pairs = zip(row["faults"], row["risks"], strict=True)
    return VisitItem(
        device_id=row["device_id"],
        site=device.site if device else None,
        model=device.model if device else None,
        faults=[VisitFault(fault=fault, risk=risk) for fault, risk in pairs],
        avoided=row["avoided"],
        ticket=found.tickets.get(row["device_id"]),
    )
