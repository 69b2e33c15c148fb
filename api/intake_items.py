"""Requests and dossiers as the API shows them."""

from dataclasses import asdict

from api.intake_schemas import (
    CaseFileItem,
    DossierAlert,
    DossierItem,
    DossierRisk,
    DoubleItem,
    FactItem,
    PastRepairItem,
    ProposalItem,
    RequestDetail,
    RequestItem,
)
from api.services import ApiServices
from fleet.dossier import Dossier
from fleet.grants import Sites
from fleet.requests import Request
from fleet.symptoms import match
from storage.records.files import files_of_request

_SAID = ("channel", "words", "who", "contact", "language", "site", "device_id", "fault", "suits_on")
_DEVICE = ("kind", "site", "model", "firmware", "serial", "commissioned", "registered_at", "last_seen")


def request_item(found: Request) -> RequestItem:
    """Return a request as lists show it."""
    return RequestItem.model_validate(_item(found))


def _item(found: Request) -> dict[str, object]:
    said = {name: getattr(found.said, name) for name in _SAID}
    return said | {
        "id": found.id,
        "at": found.at,
        "state": found.state,
        "suits": list(found.said.suits),
        "ticket_id": found.ticket_id,
        "reason": found.reason,
        "proposals": [ProposalItem.model_validate(each) for each in match(found.said.words)],
    }


def request_detail(services: ApiServices, found: Request, sites: Sites) -> RequestDetail:
    """Return a request with its files, and what it may be about again."""
    with services.desk.transaction() as session:
        files = files_of_request(session, found.id)
    doubles = services.intake.reports.doubles(found, sites)
    same = [
        DoubleItem(ticket_id=one.id, request_id=None, device_id=one.device_id, fault=one.fault)
        for one in doubles.cases
    ]
    same += [
        DoubleItem(
            ticket_id=one.ticket_id, request_id=one.id, device_id=one.said.device_id, fault=one.said.fault
        )
        for one in doubles.requests
    ]
    more = {"files": [CaseFileItem.model_validate(each) for each in files], "doubles": same}
    return RequestDetail.model_validate(_item(found) | more)


def dossier_item(found: Dossier) -> DossierItem:
    """Return a dossier; of alerts what they are about alone, without what their evidence quotes."""
    device = {name: getattr(found.device, name) for name in _DEVICE}
    return DossierItem.model_validate(
        device
        | {
            "device_id": found.device.id,
            "open_case": found.open_case,
            "risks": [DossierRisk.model_validate(asdict(each)) for each in found.risks],
            "alerts": [DossierAlert.model_validate(each) for each in found.alerts],
            "repairs": [PastRepairItem.model_validate(asdict(each)) for each in found.repairs],
            "facts": [FactItem.model_validate(asdict(each)) for each in found.facts],
        }
    )
