"""The vocabulary: the fault catalogue and the signals table."""

from fastapi import APIRouter

from api.doors import SeesFleet
from api.routes.common import Nothing, problems
from api.schemas import FaultItem, ListOf, SignalItem
from api.services import Services
from fleet.faults import FAULTS

router = APIRouter(prefix="/api/v1", tags=["catalogue"])


@router.get("/faults", responses=problems())
def list_faults(_sites: SeesFleet, _: Nothing) -> ListOf[FaultItem]:
    """List what can go wrong, how bad it is, and what mends it."""
    return ListOf(items=[FaultItem.model_validate(fault) for fault in FAULTS.values()])


@router.get("/signals", responses=problems())
def list_signals(services: Services, _sites: SeesFleet, _: Nothing) -> ListOf[SignalItem]:
    """List the signals that devices publish, with units and plausible ranges."""
    return ListOf(items=[SignalItem.model_validate(signal) for signal in services.signals])
