"""What the routers share: identifiers in paths, and the problems that their operations answer with."""

from http import HTTPStatus
from typing import Annotated, Any

from fastapi import Path, Query

from api.params import NoParams
from api.problems import MEDIA_TYPE
from api.schemas import Problem
from fleet.contacts import KEY
from fleet.errors import InvalidInput
from fleet.feedback import Said

DeviceId = Annotated[str, Path(min_length=1, max_length=64, examples=["R0042"])]
SiteId = Annotated[
    str, Path(min_length=1, max_length=64, pattern=r"^[^\x00-\x20\x7f]+$", examples=["pudong"])
]
Key = Annotated[str, Path(max_length=64, pattern=f"^{KEY}$", examples=["hotel"])]
"""The id, number or code by which people name something of the service."""
RowId = Annotated[int, Path(ge=1, lt=2**63, examples=[1])]
Nothing = Annotated[NoParams, Query()]
"""For operations without query parameters, so that a misspelt one is refused there too."""


def problems(**details: str) -> dict[int | str, dict[str, Any]]:
    """Return OpenAPI responses: `not_found="…"` and the like; bad parameters (422) are always among them."""
    codes = {"body": 400, "not_found": 404, "conflict": 409, "precondition": 412, "unavailable": 503}
    made: dict[int | str, dict[str, Any]] = {422: _response(422, "A parameter or the body is not valid")}
    for name, text in details.items():
        made[codes[name]] = _response(codes[name], text)
    return made


def _response(status: int, text: str) -> dict[str, Any]:
    title = HTTPStatus(status).phrase
    example = {"type": "about:blank", "title": title, "status": status, "detail": text}
    return {"model": Problem, "description": text, "content": {MEDIA_TYPE: {"example": example}}}


NO_SCORE = 0
"""What a form says in which no score was chosen."""
_SOLVED = {"yes": True, "no": False}


def said_of(score: int, solved: str, remark: str) -> Said:
    """Return what a form says of a repair. Raises InvalidInput where something was not chosen."""
    if score == NO_SCORE:
        raise InvalidInput("score: choose one, from 1 to 5")
    if solved not in _SOLVED:
        raise InvalidInput("solved: choose whether the fault is gone: yes or no")
    return Said(score, _SOLVED[solved], remark)
