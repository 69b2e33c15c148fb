"""Reads what a page's address asks for: as strict as the API, but a form's empty field is not given."""

from typing import Any, TypeVar

from fastapi import Request
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, ValidationError

from api.console.render.language import COOKIE
from api.params import Params

P = TypeVar("P", bound=BaseModel)


class NoQuery(Params):
    """The address of a page that takes nothing."""


class SavedView(Params):
    """The address of a page with a form for what it shows; `saved` after a change."""

    saved: bool = False


def asked(request: Request, shape: type[P], **defaults: Any) -> P:
    """Return the query of a page as `shape`; `defaults` are for what the address does not say.

    Raises RequestValidationError, which is shown as a page.
    """
    given: dict[str, Any] = {}
    for name, value in request.query_params.multi_items():
        if name == COOKIE or not value:
            continue
        field = shape.model_fields.get(name)
        if field is not None and isinstance(field.default, list):
            given.setdefault(name, []).append(value)
        else:
            given[name] = value
    try:
        return shape.model_validate(defaults | given)
    except ValidationError as error:
        errors = [one | {"loc": ("query", *one["loc"])} for one in error.errors()]
        raise RequestValidationError(errors) from error
