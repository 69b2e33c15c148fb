"""Errors as RFC 9457 problem details: every answer of 400 and above under /api/v1 is one."""

import json
import logging
from collections.abc import Callable, Mapping, Sequence
from http import HTTPStatus
from typing import Any
from urllib.parse import urlencode

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse, RedirectResponse, Response
from pydantic import BaseModel
from starlette.exceptions import HTTPException
from starlette.routing import BaseRoute, Match

from fleet.errors import (
    Conflict,
    IllegalTransition,
    InvalidInput,
    NotAllowed,
    NotFound,
    NotSignedIn,
    ProviderTrouble,
    SecondFactorMissing,
    StoreRefused,
    StoreUnavailable,
    SweepwatchError,
    TooOften,
)

log = logging.getLogger(__name__)

MEDIA_TYPE = "application/problem+json"
RETRY_AFTER_S = 5
SIGNED_OUT = "you are not signed in any more; sign in, go back, and send it again"
"""Told of a form: what it holds stays in the page before."""
_REFUSED = frozenset({401, 403, 429})
_AS_WELL = {"GET": ("GET", "HEAD")}
_STATUS: tuple[tuple[type[SweepwatchError], int], ...] = (
    (NotSignedIn, 401),
    (NotAllowed, 403),
    (NotFound, 404),
    (IllegalTransition, 409),
    (Conflict, 409),
    (InvalidInput, 422),
    (TooOften, 429),
    (ProviderTrouble, 503),
    (StoreUnavailable, 503),
    (StoreRefused, 503),
)


def status_of(error: SweepwatchError) -> int:
    """Return the HTTP status of one of our errors."""
    return next((status for kind, status in _STATUS if isinstance(error, kind)), 500)


def problem(
    status: int, detail: str, headers: Mapping[str, str] | None = None, **members: Any
) -> JSONResponse:
    """Return a problem; its type is about:blank, so its title is the status' own, as RFC 9457 asks."""
    body = {"type": "about:blank", "title": HTTPStatus(status).phrase, "status": status, "detail": detail}
    return JSONResponse(body | members, status, headers=dict(headers or {}), media_type=MEDIA_TYPE)


Page = Callable[[Request, int, str], Response]
"""Renders an error for a person: the request, the status, and the detail."""
Answer = Callable[[Request, Exception], Response]
_Handler = Callable[[Request, Exception], JSONResponse]


def install(app: FastAPI, page: Page, guard: Callable[[Answer], Answer]) -> None:
    """Make `app` answer each error with a problem; outside the API, browsers get it as a page.

    `guard` is put around the answers to crashes, which pass by every middleware.
    """
    handlers: tuple[tuple[type[Exception], _Handler], ...] = (
        (RequestValidationError, _on_invalid),
        (SweepwatchError, _on_ours),
        (HTTPException, _on_http),
        (Exception, _on_crash),
    )
    for kind, handler in handlers:
        made = _readable(handler, page)
        app.add_exception_handler(kind, guard(made) if kind is Exception else made)


def _readable(handler: _Handler, page: Page) -> Callable[[Request, Exception], Response]:
    def answer(request: Request, error: Exception) -> Response:
        if isinstance(error, NotSignedIn) and _is_page(request):
            onward = request.url.path + (f"?{request.url.query}" if request.url.query else "")
            return RedirectResponse(f"/sign-in?{urlencode({'next': onward})}", status_code=303)
        if isinstance(error, SecondFactorMissing) and _is_page(request):
            return RedirectResponse("/account/second-factor", status_code=303)
        made = handler(request, error)
        for_people = "text/html" in request.headers.get("accept", "")
        if request.url.path.startswith("/api/") or not for_people:
            return made
        detail = SIGNED_OUT if made.status_code == 401 else json.loads(bytes(made.body))["detail"]
        shown = page(request, made.status_code, detail)
        if "retry-after" in made.headers:
            shown.headers["Retry-After"] = made.headers["retry-after"]
        return shown

    return answer


def _is_page(request: Request) -> bool:
    """Tell whether a page of the console was asked for, by whatever means: one is led to its door."""
    return request.method in ("GET", "HEAD") and not request.url.path.startswith(("/api/", "/metrics"))


def _on_ours(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, SweepwatchError)
    status = status_of(error)
    if isinstance(error, Conflict) and "if-match" in request.headers:
        status = 412  # RFC 9110, 13.1.1: the condition that the request itself named does not hold
    if status == 500:
        log.error("%s %s: %s", request.method, _place(request), error)
    elif status in _REFUSED and ("authorization" in request.headers or request.cookies):
        address = request.client.host if request.client else ""
        log.info("%s %s refused, from %s: %s", request.method, _place(request), address, error)
    return problem(status, str(error), headers_for(error))


def _place(request: Request) -> str:
    """Return the address that was asked for, fit for a log: a one-time link's is a secret."""
    path = request.url.path
    return "/enter/***" if "/enter" in path.lower() else path


def headers_for(error: SweepwatchError) -> dict[str, str]:
    """Return the headers that one of our errors is told with."""
    if isinstance(error, NotSignedIn):
        return {"WWW-Authenticate": "Bearer"}
    if isinstance(error, TooOften):
        return {"Retry-After": str(error.after_s)}
    return {"Retry-After": str(RETRY_AFTER_S)} if error.retryable else {}


def _on_http(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, HTTPException)
    detail = error.detail
    if error.status_code == 404 and detail == HTTPStatus.NOT_FOUND.phrase:
        detail = f"there is nothing at {request.url.path}"
        if request.url.path.startswith("/api/"):
            detail += "; /api/v1/openapi.json lists what there is"
    elif error.status_code == 405:
        allowed = _methods(request)
        detail = f"{request.method} is not possible here; allowed: {allowed}"
        return problem(405, detail, {"Allow": allowed})
    return problem(error.status_code, detail, error.headers)


def _methods(request: Request) -> str:
    """Return the methods that the address takes: several routes may share it, each knows only its own."""
    routes = request.app.routes

    def taken(method: str) -> bool:
        scope = dict(request.scope) | {"method": method}
        return any(route.matches(scope)[0] is Match.FULL for route in routes)

    found = [method for method in ("DELETE", "GET", "PATCH", "POST", "PUT") if taken(method)]
    return ", ".join(each for method in found for each in _AS_WELL.get(method, (method,)))


def _on_crash(request: Request, error: Exception) -> JSONResponse:
    log.error("%s %s failed", request.method, _place(request), exc_info=error)
    return problem(500, "something went wrong on our side; the log says what")


def _on_invalid(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, RequestValidationError)
    errors = [_member(request.scope.get("route"), one) for one in error.errors()]
    return problem(422, f"{errors[0]['name']}: {errors[0]['reason']}", errors=errors)


def _member(route: BaseRoute | None, error: Mapping[str, Any]) -> dict[str, str]:
    """Return one mistake: the part of the request, the field, and the reason with what is allowed."""
    place, *path = [str(step) for step in error["loc"]]
    reason = str(error["msg"]).removeprefix("Value error, ")
    if error["type"] == "extra_forbidden":
        reason = f"unknown; allowed: {', '.join(_known(route, place)) or 'none'}"
    elif error["type"] == "string_pattern_mismatch" and error["ctx"]["pattern"] == r"\S":
        reason = "must not be blank"
    elif error["type"] == "string_too_long":
        reason = f"at most {error['ctx']['max_length']} characters"
    elif error["type"] == "json_invalid":
        path, reason = ["body"], f"not valid JSON: {error['ctx']['error']}"
    return {"in": place, "name": ".".join(path) or place, "reason": reason}


def _known(route: BaseRoute | None, place: str) -> Sequence[str]:
    """Return the names that a route takes in its query or its body."""
    if place == "body":
        field = getattr(route, "body_field", None)
        fields = [field] if field is not None else []
    else:
        fields = getattr(getattr(route, "dependant", None), "query_params", [])
    shapes = [field.field_info.annotation for field in fields]
    return [
        info.alias or name
        for shape in shapes
        if isinstance(shape, type) and issubclass(shape, BaseModel)
        for name, info in shape.model_fields.items()
    ]
