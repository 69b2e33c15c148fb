"""What each route needs: who asks, where they may, and that a change was asked for on a page of ours."""

from collections.abc import Callable
from dataclasses import replace
from typing import Annotated, Any

from fastapi import Depends, Form, Request
from starlette.datastructures import FormData

from access.doors import Doors, Visitor
from access.secrets import same
from api.services import ApiServices, Services
from fleet.errors import InvalidInput, NotAllowed, NotSignedIn, SecondFactorMissing, TooOften
from fleet.grants import Permission, Sites
from fleet.principals import Principal, PrincipalKind
from fleet.text import quoted

CSRF_HEADER = "x-csrf-token"
_BEARER = "bearer "
_MOST_FILES, _MOST_FIELDS = 200, 20
"""Of a form that sends files."""


_BEFORE_SECOND_FACTOR = frozenset(
    {
        "/account/second-factor",
        "/account/second-factor/begin",
        "/account/second-factor/confirm",
        "/sign-out",
    }
)
"""All that is open to whoever has to set up a second factor first."""


def cookie_name(request: Request, services: ApiServices, use: str = "") -> str:
    """Return the name of the session's cookie, or of one for another use (`step`, `provider`).

    Browsers share cookies between the ports of one host.
    """
    kind = f"_{use}" if use else ""
    if is_secure(request, services):
        return f"__Host-sweepwatch{kind}"
    return f"sweepwatch{kind}_{request.url.port or 80}"


def is_secure(request: Request, services: ApiServices) -> bool:
    """Tell whether whoever asks came by HTTPS, here or at a proxy that is believed."""
    return services.reach.secure or request.url.scheme == "https"


def address_of(request: Request) -> str:
    """Return the address that a request comes from: before the proxies that are believed."""
    return request.client.host if request.client else ""


def visitor_or_none(request: Request, services: ApiServices) -> Visitor | None:
    """Return who asks; None where nobody is known, whatever was shown."""
    try:
        return _whoever(request, services)
    except (NotSignedIn, TooOften):
        return None


def visitor_of(request: Request, services: Services) -> Visitor:
    """Return who asks, by token or by session. Raises NotSignedIn, SecondFactorMissing, TooOften."""
    known = _whoever(request, services)
    if known.must_set_up and request.url.path not in _BEFORE_SECOND_FACTOR:
        raise SecondFactorMissing("set up the second step first: /account/second-factor")
    return known


def _whoever(request: Request, services: ApiServices) -> Visitor:
    known: Visitor | None = getattr(request.state, "visitor", None)
    if known is not None:
        return known
    try:
        visitor = _come_in(request, services, services.doors)
    except NotSignedIn:
        if _shows_something(request, services):
            services.rates.refused(address_of(request))
        raise
    services.rates.request_of(visitor.principal)
    request.state.visitor = visitor
    return visitor


def _shows_something(request: Request, services: ApiServices) -> bool:
    """Tell whether a token or a session was shown: to ask without any is no try to get in."""
    return "authorization" in request.headers or cookie_name(request, services) in request.cookies


def _come_in(request: Request, services: ApiServices, doors: Doors) -> Visitor:
    shown = request.headers.get("authorization")
    if shown is not None:
        if not shown.lower().startswith(_BEARER):
            raise NotSignedIn("Authorization: allowed: Bearer and a token")
        return doors.by_token(shown[len(_BEARER) :].strip())
    secret = request.cookies.get(cookie_name(request, services))
    if not secret:
        raise NotSignedIn("sign in, or send a token: Authorization: Bearer sw_...")
    return doors.by_session(secret)


def lacking(permission: Permission, visitor: Visitor) -> NotAllowed:
    """Return the refusal of somebody who does not have what something needs."""
    return NotAllowed(f"this needs {permission}, which {visitor.principal.name} does not have")


class Needs:
    """A dependency that lets in whoever has a permission anywhere, and returns at which sites."""

    def __init__(self, permission: Permission, *, everywhere: bool = False) -> None:
        self.permission = permission
        self._everywhere = everywhere

    def __call__(self, visitor: Annotated[Visitor, Depends(visitor_of)]) -> Sites:
        """Return where; raises NotAllowed where nowhere."""
        sites = visitor.principal.reach(self.permission)
        if sites is not None and not sites:
            raise lacking(self.permission, visitor)
        if self._everywhere:
            everywhere(sites)
        return sites


def needs(permission: Permission, *, everywhere: bool = False) -> Any:
    """Return the dependency of a route that needs a permission: its value is where it holds.

    `everywhere`: it has to hold at every site, since what the route is about is of none.
    """
    return Depends(Needs(permission, everywhere=everywhere))


def _asked_here(request: Request, visitor: Visitor, csrf: str) -> Principal:
    """Return who changes something. Raises NotAllowed for a browser that did not ask on a page of ours."""
    if visitor.csrf is not None and not same(csrf, visitor.csrf):
        raise NotAllowed("this page is of another session: load it again, and repeat what you did")
    return visitor.principal


def acting(request: Request, visitor: Annotated[Visitor, Depends(visitor_of)]) -> Principal:
    """Return who changes something by the API; browsers show their page's token in a header."""
    return _asked_here(request, visitor, request.headers.get(CSRF_HEADER, ""))


def acting_by_form(
    request: Request, visitor: Annotated[Visitor, Depends(visitor_of)], csrf: Annotated[str, Form()] = ""
) -> Principal:
    """Return who changes something by a form of the console, which holds its page's token."""
    return _asked_here(request, visitor, csrf)


async def form_with_files(request: Request) -> FormData:
    """Return a form that sends files; once read it is not read again."""
    return await request.form(max_files=_MOST_FILES, max_fields=_MOST_FIELDS)


async def acting_by_upload(request: Request, visitor: Annotated[Visitor, Depends(visitor_of)]) -> Principal:
    """Return who sends files by a form of the console; it is read once they were let in, not before."""
    shown = ""
    if visitor.csrf is not None and "content-type" in request.headers:
        shown = str((await form_with_files(request)).get("csrf", ""))
    try:
        return _asked_here(request, visitor, shown)
    except NotAllowed:
        await request.close()  # its files
        raise


ACTING: tuple[Callable[..., Any], ...] = (acting, acting_by_form, acting_by_upload)
"""One of these is in every route that changes something."""
Known = Annotated[Visitor, Depends(visitor_of)]
Acting = Annotated[Principal, Depends(acting)]
ActingByForm = Annotated[Principal, Depends(acting_by_form)]
ActingByUpload = Annotated[Principal, Depends(acting_by_upload)]
SeesFleet = Annotated[Sites, needs(Permission.FLEET_READ)]
ChangesDevices = Annotated[Sites, needs(Permission.DEVICES_CHANGE)]
AdmitsDevices = Annotated[Sites, needs(Permission.DEVICES_ADMIT)]
ManagesFirmware = Annotated[Sites, needs(Permission.FIRMWARE_MANAGE)]
SendsCommands = Annotated[Sites, needs(Permission.COMMANDS_SEND)]
ChangesSites = Annotated[Sites, needs(Permission.SITES_CHANGE)]
SeesPeople = Annotated[Sites, needs(Permission.PERSONAL_READ)]
ErasesPeople = Annotated[Sites, needs(Permission.PERSONAL_ERASE)]
ChangesAlerts = Annotated[Sites, needs(Permission.ALERTS_CHANGE)]
ReportsAlerts = Annotated[Sites, needs(Permission.ALERTS_REPORT)]
ChangesRules = Annotated[Sites, needs(Permission.RULES_CHANGE, everywhere=True)]
PlansDuty = Annotated[Sites, needs(Permission.DUTY_CHANGE)]
SeesNotices = Annotated[Sites, needs(Permission.NOTICES_READ)]
ManagesNotices = Annotated[Sites, needs(Permission.NOTICES_MANAGE)]
ManagesDestinations = Annotated[Sites, needs(Permission.NOTICES_MANAGE, everywhere=True)]
ReportsFaults = Annotated[Sites, needs(Permission.TICKETS_REPORT)]
ChangesTickets = Annotated[Sites, needs(Permission.TICKETS_CHANGE)]
SeesVisits = Annotated[Sites, needs(Permission.VISITS_READ)]
ChangesDispatch = Annotated[Sites, needs(Permission.DISPATCH_CHANGE)]
SeesIndicators = Annotated[Sites, needs(Permission.INDICATORS_READ)]
ChangesTasks = Annotated[Sites, needs(Permission.INDICATORS_CHANGE, everywhere=True)]
SeesModels = Annotated[Sites, needs(Permission.MODELS_READ)]
SeesIngest = Annotated[Sites, needs(Permission.INGEST_READ)]
SeesMetrics = Annotated[Sites, needs(Permission.METRICS_READ)]
ManagesPeople = Annotated[Sites, needs(Permission.PEOPLE_MANAGE, everywhere=True)]
SeesService = Annotated[Sites, needs(Permission.SERVICE_READ)]
ExportsLists = Annotated[Sites, needs(Permission.SERVICE_READ, everywhere=True)]
ManagesService = Annotated[Sites, needs(Permission.SERVICE_MANAGE, everywhere=True)]
SeesParts = Annotated[Sites, needs(Permission.PARTS_READ)]
ChangesParts = Annotated[Sites, needs(Permission.PARTS_CHANGE)]
OrdersParts = Annotated[Sites, needs(Permission.PARTS_ORDER)]
ProvesFleet = Annotated[Sites, needs(Permission.MODELS_READ, everywhere=True)]
"""Of the whole fleet, with what its failures cost."""
ManagesTokens = Annotated[Sites, needs(Permission.TOKENS_MANAGE, everywhere=True)]


def everywhere(sites: Sites) -> None:
    """Raise NotAllowed unless somebody's permission holds at every site: what is asked for is of no site."""
    if sites is not None:
        raise NotAllowed("this is of the whole installation, not of some sites")


def on_behalf_of(principal: Principal, who: str | None) -> Principal:
    """Return who acts: a machine may name the person for whom it does. Raises InvalidInput for people."""
    if who is None or who == principal.name:
        return principal
    if principal.kind is not PrincipalKind.TOKEN:
        raise InvalidInput(f"who: leave it out; you act as {quoted(principal.name)}")
    return replace(principal, name=who)
