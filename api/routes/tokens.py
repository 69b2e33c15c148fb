"""Tokens of machines: made, rotated and ended; their secrets are shown once."""

from fastapi import APIRouter, Response

from access.tokens import Asked
from api.access_schemas import MadeToken, TokenItem, TokenRequest
from api.doors import Acting, ManagesTokens
from api.routes.common import Nothing, RowId, problems
from api.schemas import ListOf
from api.services import Services
from fleet.people import Token

router = APIRouter(prefix="/api/v1/tokens", tags=["access"])
_CHANGE = problems(body="The body cannot be read", not_found="There is no such token")


@router.get("", responses=problems())
def list_tokens(services: Services, _sites: ManagesTokens, _: Nothing) -> ListOf[TokenItem]:
    """List every token, the newest first: what it may do, until when, when it was last used."""
    return ListOf(items=[_item(each) for each in services.doors.tokens.all()])


@router.post("", status_code=201, responses=_CHANGE)
def make_token(
    services: Services, _sites: ManagesTokens, principal: Acting, asked: TokenRequest, _: Nothing
) -> MadeToken:
    """Make a token; its secret is in the answer, and nowhere else."""
    places = None if asked.sites is None else frozenset(asked.sites)
    wanted = Asked(asked.name, tuple(asked.scopes), places, asked.days)
    token, secret = services.doors.tokens.make(wanted, principal)
    return MadeToken(**_item(token).model_dump(), secret=secret)


@router.post("/{token_id}/rotate", status_code=201, responses=_CHANGE)
def rotate_token(
    services: Services, _sites: ManagesTokens, principal: Acting, token_id: RowId, _: Nothing
) -> MadeToken:
    """Make a token like another, which goes on for an hour beside it."""
    token, secret = services.doors.tokens.rotate(token_id, principal)
    return MadeToken(**_item(token).model_dump(), secret=secret)


@router.delete("/{token_id}", status_code=204, responses=_CHANGE)
def revoke_token(
    services: Services, _sites: ManagesTokens, principal: Acting, token_id: RowId, _: Nothing
) -> Response:
    """End a token now."""
    services.doors.tokens.revoke(token_id, principal)
    services.doors.forget()
    return Response(status_code=204)


def _item(token: Token) -> TokenItem:
    return TokenItem.model_validate(token)
