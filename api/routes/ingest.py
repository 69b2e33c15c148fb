"""What came in: the ledger, and the quarantine of what could not be read."""

from base64 import b64encode
from dataclasses import asdict
from typing import Annotated

from fastapi import APIRouter, Query
from starlette.exceptions import HTTPException

from api.params import IdText, Paged
from api.routes.common import Nothing, problems
from api.schemas import LedgerAnswer, QuarantineEntry, QuarantineList
from api.services import Services
from fleet.errors import ConfigError, InvalidInput
from fleet.wire import Reason
from storage.desk.quarantine import Quarantine

router = APIRouter(prefix="/ingest", tags=["ingest"])


class QuarantineQuery(Paged):
    """Which rows of the quarantine."""

    device: IdText | None = None
    reason: Reason | None = None


@router.get("/ledger", responses=problems(unavailable="No ingester runs in this process"))
def show_ledger(services: Services, _: Nothing) -> LedgerAnswer:
    """Show what came in since the process started: received = written + duplicate + quarantined."""
    ledger = services.ledger()
    if ledger is None:
        raise HTTPException(503, "no ingester runs in this process; each serves its own /metrics")
    return LedgerAnswer.model_validate(ledger)


@router.get("/quarantine", responses=problems())
def list_quarantine(services: Services, query: Annotated[QuarantineQuery, Query()]) -> QuarantineList:
    """List messages that were turned away, the most recently seen first."""
    try:
        page = Quarantine(services.desk).find(query.device, query.reason, query.limit, query.cursor)
    except ConfigError as error:
        raise InvalidInput(str(error)) from error
    items = [
        QuarantineEntry.model_validate(asdict(item) | {"payload": b64encode(item.payload).decode()})
        for item in page.items
    ]
    return QuarantineList(items=items, next_cursor=page.next_cursor, evicted=page.evicted)
