"""One person's data: exported for the safety role of a site, and erased."""

from collections.abc import Iterator
from typing import Annotated

from fastapi import APIRouter, Query, Response
from fastapi.responses import StreamingResponse
from pydantic import Field

from access.personal import EVER, FORMAT, PersonalData
from api.doors import Acting, ErasesPeople, Known, SeesPeople, on_behalf_of
from api.params import Params, TimeMs
from api.routes.common import DeviceId, Nothing, problems
from api.schemas import ErasureAsked, ErasureItem
from api.services import ApiServices, Services
from fleet.grants import Sites
from storage.records.device_lists import device_of

router = APIRouter(prefix="/api/v1/devices/{device_id}/personal", tags=["personal data"])
_EXAMPLE = {
    "format": FORMAT,
    "device": "W0007",
    "person": None,
    "units": {"heart_rate_bpm": "bpm"},
    "readings": [{"ts": "2026-11-22T08:00:00.000Z", "heart_rate_bpm": 71.0}],
}


class SpanQuery(Params):
    """From when to when."""

    start: TimeMs | None = Field(None, description="Inclusive; without it, from the first")
    end: TimeMs | None = Field(None, description="Exclusive; without it, without end")


@router.get(
    "",
    response_class=StreamingResponse,
    responses=problems(not_found="There is no such device")
    | {200: {"content": {"application/json": {"example": _EXAMPLE}}, "description": "All that is kept"}},
)
def export_personal(
    services: Services,
    visitor: Known,
    sites: SeesPeople,
    device_id: DeviceId,
    query: Annotated[SpanQuery, Query()],
) -> Response:
    """Export all that is kept of a wristband's wearer: readings, tiles, events, alerts, cases, evidence.

    Also what people wrote about them, and who looked. The log is told.
    """
    _within(services, device_id, sites)
    span = query.start or 0, EVER if query.end is None else query.end
    pieces: Iterator[str] = _personal(services).export(device_id, *span, visitor.principal, "by the API")
    headers = {"Content-Disposition": 'attachment; filename="personal.json"', "Cache-Control": "no-store"}
    return StreamingResponse(pieces, media_type="application/json", headers=headers)


@router.post(
    "/erasures",
    status_code=201,
    responses=problems(body="The body cannot be read", not_found="There is no such device"),
)
def erase_personal(
    services: Services,
    sites: ErasesPeople,
    principal: Acting,
    device_id: DeviceId,
    asked: ErasureAsked,
    _: Nothing,
) -> ErasureItem:
    """Erase what a wristband told of its wearer in a span, from both stores; this cannot be taken back."""
    _within(services, device_id, sites)
    who = on_behalf_of(principal, asked.who)
    span = asked.start or 0, EVER if asked.end is None else asked.end
    return ErasureItem.model_validate(_personal(services).erase(device_id, *span, who, asked.reason))


def _within(services: ApiServices, device_id: str, sites: Sites) -> None:
    with services.desk.transaction() as session:
        device_of(session, device_id, sites)


def _personal(services: ApiServices) -> PersonalData:
    return PersonalData(services.desk, services.store, services.signals, services.clock)
