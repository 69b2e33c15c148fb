"""Repairs of the past in: closed cases with their own times, of which nobody is told."""

from collections import Counter

from fastapi import APIRouter

from api.doors import Acting, ManagesService
from api.history_schemas import PastCasesBody, PastOutcomeItem, PastReportItem
from api.routes.common import Nothing, problems
from api.services import Services
from fleet.past_cases import PastVerdict

router = APIRouter(prefix="/api/v1/history", tags=["history"])


@router.post("/cases", responses=problems(body="The body cannot be read"))
def take_past_cases(
    services: Services, _sites: ManagesService, principal: Acting, body: PastCasesBody, _: Nothing
) -> PastReportItem:
    """Take repairs that were made, each by itself, as closed cases with their own times.

    Training, records of faults and indicators read them as any others. Nobody is told of them, and no clock
    runs. Sent again, they are `known`: by their number elsewhere, else by device, faults and time.
    """
    cases = [each.case() for each in body.cases]
    outcomes = services.past.look(cases) if body.dry_run else services.past.take(cases, principal)
    found = Counter(each.verdict for each in outcomes)
    return PastReportItem(
        counts={str(verdict): found.get(verdict, 0) for verdict in PastVerdict},
        items=[
            PastOutcomeItem(
                verdict=each.verdict,
                ticket_id=each.ticket_id or None,
                reason=each.reason,
                remarks=list(each.remarks),
            )
            for each in outcomes
        ],
    )
