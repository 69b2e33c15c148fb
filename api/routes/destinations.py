"""Where notices go: of groups, of others, and one's own; and how one wants to be told."""

from typing import Annotated

from fastapi import APIRouter, Query, Response

from access.doors import Visitor
from api.doors import Acting, Known, ManagesDestinations
from api.notice_schemas import DestinationItem, DestinationRequest, TestMade, WishesBody
from api.params import Params
from api.routes.common import Nothing, RowId, problems
from api.schemas import ListOf
from api.services import ApiServices, Services
from fleet.errors import InvalidInput, NotFound
from fleet.outbox import Destination, Wishes

router = APIRouter(prefix="/api/v1/destinations", tags=["notices"])
own = APIRouter(prefix="/api/v1/me", tags=["notices"])
_CHANGE = problems(body="The body cannot be read", not_found="There is no such destination")


class OfWhom(Params):
    """Whose destinations; without a person, those of groups."""

    person_id: int | None = None


@router.get("", responses=problems())
def list_destinations(
    services: Services, _sites: ManagesDestinations, query: Annotated[OfWhom, Query()]
) -> ListOf[DestinationItem]:
    """List the destinations of groups, or of one person."""
    return _listed(services, query.person_id)


@router.post("", status_code=201, responses=_CHANGE)
def add_destination(
    services: Services, _sites: ManagesDestinations, principal: Acting, asked: DestinationRequest, _: Nothing
) -> DestinationItem:
    """Add a destination of a group, or of a person."""
    if asked.person_id is not None:
        services.doors.people.one(asked.person_id)
    made = services.notices.add(
        asked.person_id, asked.name, asked.channel, asked.address, principal, asked.scope, asked.place
    )
    return DestinationItem.model_validate(made)


@router.delete("/{destination_id}", status_code=204, responses=_CHANGE)
def remove_destination(
    services: Services, _sites: ManagesDestinations, principal: Acting, destination_id: RowId, _: Nothing
) -> Response:
    """Let nothing more go to a destination, and forget its address."""
    services.notices.remove(destination_id, principal)
    return Response(status_code=204)


@router.post("/{destination_id}/test", status_code=202, responses=_CHANGE)
def send_test(
    services: Services, _sites: ManagesDestinations, principal: Acting, destination_id: RowId, _: Nothing
) -> TestMade:
    """Send a test; the notice's proof says what became of it."""
    return TestMade(notice=services.notices.test(destination_id, principal))


@own.get("/destinations", responses=problems())
def list_own(services: Services, visitor: Known, _: Nothing) -> ListOf[DestinationItem]:
    """List where one is told oneself, in the order in which it is tried."""
    return _listed(services, person_of(visitor))


@own.post("/destinations", status_code=201, responses=_CHANGE)
def add_own(
    services: Services, visitor: Known, principal: Acting, asked: DestinationRequest, _: Nothing
) -> DestinationItem:
    """Add a destination of one's own."""
    who = person_of(visitor)
    if asked.person_id not in (None, who):
        raise InvalidInput("person_id: leave it out; it is yours")
    made = services.notices.add(who, asked.name, asked.channel, asked.address, principal)
    return DestinationItem.model_validate(made)


@own.delete("/destinations/{destination_id}", status_code=204, responses=_CHANGE)
def remove_own(
    services: Services, visitor: Known, principal: Acting, destination_id: RowId, _: Nothing
) -> Response:
    """Remove a destination of one's own."""
    services.notices.remove(own_destination(services, visitor, destination_id).id, principal)
    return Response(status_code=204)


@own.post("/destinations/{destination_id}/first", responses=_CHANGE)
def put_own_first(
    services: Services, visitor: Known, principal: Acting, destination_id: RowId, _: Nothing
) -> DestinationItem:
    """Let a destination of one's own be tried before the others."""
    mine = own_destination(services, visitor, destination_id)
    return DestinationItem.model_validate(services.notices.put_first(mine.id, principal))


@own.post("/destinations/{destination_id}/test", status_code=202, responses=_CHANGE)
def send_test_to_own(
    services: Services, visitor: Known, principal: Acting, destination_id: RowId, _: Nothing
) -> TestMade:
    """Send a test to a destination of one's own."""
    mine = own_destination(services, visitor, destination_id)
    return TestMade(notice=services.notices.test(mine.id, principal))


@own.get("/wishes", responses=problems())
def show_wishes(services: Services, visitor: Known, _: Nothing) -> WishesBody:
    """Show how one wants to be told."""
    return WishesBody.model_validate(services.notices.wishes(person_of(visitor)))


@own.put("/wishes", responses=_CHANGE)
def keep_wishes(
    services: Services, visitor: Known, _principal: Acting, wishes: WishesBody, _: Nothing
) -> WishesBody:
    """Keep how one wants to be told."""
    services.notices.wish(person_of(visitor), Wishes(**wishes.model_dump()))
    return wishes


def person_of(visitor: Visitor) -> int:
    """Return who asks. Raises NotFound for a machine, which is told nothing."""
    if visitor.person is None:
        raise NotFound("destinations of one's own are of people who sign in, not of tokens")
    return visitor.person


def own_destination(services: ApiServices, visitor: Visitor, destination_id: int) -> Destination:
    """Return a destination of whoever asks. Raises NotFound for another's."""
    found = services.notices.one(destination_id)
    if found.person_id is None or found.person_id != visitor.person:
        raise NotFound(f"there is no destination {destination_id}")
    return found


def _listed(services: ApiServices, person_id: int | None) -> ListOf[DestinationItem]:
    found = services.notices.of(person_id)
    return ListOf(items=[DestinationItem.model_validate(each) for each in found])
