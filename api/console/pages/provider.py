"""Signing in by a provider: the way there, and the way back."""

from fastapi import APIRouter, Request, Response
from fastapi.responses import HTMLResponse, RedirectResponse
from pydantic import BaseModel, Field

from access.federation import WITHIN_MS, Answer, Federation
from api.console.pages.sign_in import (
    PROVIDER,
    SignInView,
    browser_of,
    hand_cookie,
    here,
    let_in,
    sign_in_page,
    take_cookie,
)
from api.console.render.asked import asked
from api.console.render.templates import Console, Pages
from api.doors import address_of, cookie_name, visitor_or_none
from api.problems import status_of
from api.routes.people import address_here
from api.services import Services
from fleet.errors import NotFound, SweepwatchError

_BACK = "/sign-in/provider/back"


class ProviderAnswer(BaseModel):
    """What the provider's answer holds that we read; providers add more."""

    state: str = Field("", max_length=512)
    code: str = Field("", max_length=4096)
    error: str = Field("", max_length=256)
    iss: str | None = Field(None, max_length=512)


router = APIRouter(include_in_schema=False, default_response_class=HTMLResponse)


@router.get("/sign-in/provider")
def ask_provider(request: Request, pages: Console, services: Services) -> Response:
    """Lead a browser to the provider."""
    onward = here(asked(request, SignInView).next)
    try:
        services.rates.sign_in(address_of(request))
        secret, address = _federation(pages).begin(onward, address_here(request, _BACK))
    except SweepwatchError as error:
        return sign_in_page(pages, request, onward, status_of(error), error=str(error))
    response = RedirectResponse(address, status_code=303)
    hand_cookie(request, services, response, secret, WITHIN_MS, PROVIDER)
    return response


@router.get(_BACK)
def answer_of_provider(request: Request, pages: Console, services: Services) -> Response:
    """Let in whom the provider vouches for, in the browser that asked it."""
    told = asked(request, ProviderAnswer)
    secret = request.cookies.get(cookie_name(request, services, PROVIDER), "")
    answer = Answer(told.state, told.code, told.error, told.iss)
    try:
        services.rates.sign_in(address_of(request))
        entry, onward = _federation(pages).end(
            secret, answer, address_here(request, _BACK), browser_of(request)
        )
    except SweepwatchError as error:
        if isinstance(error, NotFound) and visitor_or_none(request, services) is not None:
            return RedirectResponse("/", status_code=303)  # the back button, or another tab
        return sign_in_page(pages, request, status=status_of(error), error=str(error))
    response = let_in(request, services, entry, onward)
    take_cookie(request, services, response, PROVIDER)
    return response


def _federation(pages: Pages) -> Federation:
    found = pages.services.doors.federation
    if found is None:
        raise NotFound("nobody signs in by a provider here; oidc.issuer is not set")
    return found
