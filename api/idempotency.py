"""Requests that create something are done once, however often they are sent with the same Idempotency-Key."""

from collections.abc import Callable
from hashlib import sha256
from typing import Annotated

from fastapi import Header, Response
from pydantic import BaseModel

from api.services import ApiServices
from fleet.grants import Sites
from fleet.principals import Principal
from storage.records.answers import KeptAnswer, KeptAnswers, KeyedRequest

BUSY = "A request with this Idempotency-Key is being handled"
"""What the API's description says of the conflict."""
IdempotencyKey = Annotated[
    str | None,
    Header(
        min_length=1,
        max_length=255,
        pattern=r"^[\x21-\x7e]+$",
        description="Chosen by the sender, new for each request: sent again with the same key within 24 h, "
        "the request gets the same answer and changes nothing",
        examples=["8e03978e-40d5-43e8-bc93-6894a57f9324"],
    ),
]


def operation_of(name: str, principal: Principal, sites: Sites) -> str:
    """Return what a key is good for: one operation, of one who asks, while it is theirs at the same sites."""
    places = "*" if sites is None else " ".join(sorted(sites))
    digest = sha256(f"{name}\0{principal.kind}\0{principal.id}\0{places}".encode()).hexdigest()
    return f"POST {digest}"[:64]


def once(
    services: ApiServices,
    operation: str,
    key: str | None,
    request: BaseModel,
    handle: Callable[[], KeptAnswer],
) -> Response:
    """Answer a request with `handle`, or as before when it was handled already; a failure is not kept.

    Raises InvalidInput when the key was used for another request, Conflict while the same is being handled.
    """
    if key is None:
        return _respond(handle())
    answers = KeptAnswers(services.desk)
    keyed = KeyedRequest(operation, key, sha256(request.model_dump_json().encode()).hexdigest())
    kept = answers.begin(keyed, services.clock.now_ms())
    if kept is None:
        try:
            kept = handle()
        except BaseException:
            answers.drop(keyed)
            raise
        answers.keep(keyed, kept)
    return _respond(kept)


def _respond(answer: KeptAnswer) -> Response:
    return Response(answer.body, answer.status, headers=answer.headers, media_type="application/json")
