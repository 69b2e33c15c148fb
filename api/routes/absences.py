"""When engineers are away: plans send nobody there then."""

from dataclasses import asdict

from fastapi import APIRouter

from api.dispatch_schemas import AbsenceAsked, AbsenceItem
from api.doors import Acting, ChangesDispatch
from api.routes.common import Key, Nothing, RowId, problems
from api.schemas import ListOf
from api.services import Services
from fleet.absences import Absence

router = APIRouter(prefix="/api/v1/engineers", tags=["dispatch"])
_CHANGES = problems(body="The body cannot be read", not_found="There is no such engineer or absence")


@router.get("/{engineer_id}/absences", responses=problems(not_found="There is no such engineer"))
def list_absences(
    services: Services, sites: ChangesDispatch, engineer_id: Key, _: Nothing
) -> ListOf[AbsenceItem]:
    """List when an engineer is away, from now on."""
    return ListOf(items=[_item(each) for each in services.absences.of(engineer_id, sites)])


@router.post("/{engineer_id}/absences", status_code=201, responses=_CHANGES)
def add_absence(
    services: Services,
    sites: ChangesDispatch,
    principal: Acting,
    engineer_id: Key,
    asked: AbsenceAsked,
    _: Nothing,
) -> AbsenceItem:
    """Say that an engineer is away; what they were to do is planned anew."""
    return _item(services.absences.away(engineer_id, asked.begins, asked.ends, principal, sites))


@router.post("/{engineer_id}/absences/{absence_id}/end", responses=_CHANGES)
def end_absence(
    services: Services,
    sites: ChangesDispatch,
    principal: Acting,
    engineer_id: Key,
    absence_id: RowId,
    _: Nothing,
) -> AbsenceItem:
    """Say that they are back, or do not go away after all."""
    return _item(services.absences.back(engineer_id, absence_id, principal, sites))


def _item(found: Absence) -> AbsenceItem:
    return AbsenceItem.model_validate(asdict(found))
