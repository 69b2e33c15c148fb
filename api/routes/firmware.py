"""Firmware: what devices run, and roll-outs in stages that stop by themselves where it makes them worse."""

from typing import Annotated, Any

from fastapi import APIRouter, Query, Response

from access.firmware.judging import FALSE_STOPS
from access.firmware.planning import Asked
from api.doors import Acting, ManagesFirmware, SeesFleet
from api.firmware_schemas import (
    ActionRequest,
    Image,
    ModelFirmware,
    RollBackRequest,
    RolloutDetail,
    RolloutDeviceItem,
    RolloutDeviceQuery,
    RolloutEvent,
    RolloutItem,
    RolloutRequest,
    StageAsked,
    StageItem,
    VersionItem,
)
from api.idempotency import BUSY, IdempotencyKey, once, operation_of
from api.queries.firmware import find_rollout, versions_by_model
from api.routes.common import Nothing, RowId, problems
from api.schemas import ListOf, Names
from api.services import ApiServices, Services
from fleet.grants import Sites
from fleet.rollouts import STAGES, Firmware, Rollout, Stage
from fleet.text import Text
from storage.records.answers import KeptAnswer
from storage.records.rollouts import find_rollout_devices, rollout_of

router = APIRouter(prefix="/api/v1/firmware", tags=["firmware"])
_GONE = "There is no such roll-out, or it reaches beyond your sites"
_CREATE = problems(body="The body cannot be read", conflict=BUSY)
_CHANGE = problems(
    body="The body cannot be read",
    not_found=_GONE,
    conflict="Its state does not allow this; the detail lists what it does",
)


@router.get("", responses=problems())
def list_firmware(services: Services, sites: SeesFleet, _: Nothing) -> ListOf[ModelFirmware]:
    """List which versions the devices of each model run."""
    found = versions_by_model(services, sites)
    return ListOf(
        items=[
            ModelFirmware(
                model=model,
                devices=sum(each.devices for each in counts),
                versions=[VersionItem.model_validate(each) for each in counts],
            )
            for model, counts in found.items()
        ]
    )


@router.get("/rollouts", responses=problems())
def list_rollouts(services: Services, sites: SeesFleet, _: Nothing) -> ListOf[RolloutItem]:
    """List the roll-outs within the sites that you see, the newest first."""
    return ListOf(items=[RolloutItem(**_item(each)) for each in services.rollouts.every(sites)])


@router.post("/rollouts", status_code=201, response_model=RolloutDetail, responses=_CREATE)
def create_rollout(
    services: Services,
    sites: ManagesFirmware,
    principal: Acting,
    asked: RolloutRequest,
    _: Nothing,
    idempotency_key: IdempotencyKey = None,
) -> Response:
    """Plan a roll-out. Its devices are drawn, and the first are offered the firmware, when it is started."""

    def create() -> KeptAnswer:
        made = services.rollouts.create(_asked(asked), principal, sites)
        headers = {"Location": f"/api/v1/firmware/rollouts/{made.id}"}
        return KeptAnswer(201, headers, _detail(services, made.id, sites).model_dump_json())

    operation = operation_of("firmware/rollouts", principal, sites)
    return once(services, operation, idempotency_key, asked, create)


@router.get("/rollouts/{rollout_id}", responses=problems(not_found=_GONE))
def show_rollout(services: Services, sites: SeesFleet, rollout_id: RowId, _: Nothing) -> RolloutDetail:
    """Show one roll-out: its cohorts, who is on what, and what the newest look saw."""
    return _detail(services, rollout_id, sites)


@router.get("/rollouts/{rollout_id}/devices", responses=problems(not_found=_GONE))
def list_rollout_devices(
    services: Services, sites: SeesFleet, rollout_id: RowId, query: Annotated[RolloutDeviceQuery, Query()]
) -> ListOf[RolloutDeviceItem]:
    """List the devices of a roll-out in the order of their turns."""
    with services.desk.transaction() as session:
        rollout_of(session, rollout_id, sites)
        page = find_rollout_devices(session, rollout_id, query.state, query.asked())
    items = [
        RolloutDeviceItem.model_validate(each).model_copy(update={"stage": each.stage + 1})
        for each in page.rows
    ]
    return ListOf(items=items, next_cursor=page.next_cursor)


@router.post("/rollouts/{rollout_id}/start", responses=_CHANGE)
def start_rollout(
    services: Services,
    sites: ManagesFirmware,
    principal: Acting,
    rollout_id: RowId,
    asked: ActionRequest,
    _: Nothing,
) -> RolloutDetail:
    """Draw the devices, and begin the first stage."""
    services.rollouts.start(rollout_id, principal, asked.reason, sites)
    return _detail(services, rollout_id, sites)


@router.post("/rollouts/{rollout_id}/pause", responses=_CHANGE)
def pause_rollout(
    services: Services,
    sites: ManagesFirmware,
    principal: Acting,
    rollout_id: RowId,
    asked: ActionRequest,
    _: Nothing,
) -> RolloutDetail:
    """Hold a roll-out: no further device is offered the firmware."""
    services.rollouts.pause(rollout_id, principal, asked.reason, sites)
    return _detail(services, rollout_id, sites)


@router.post("/rollouts/{rollout_id}/resume", responses=_CHANGE)
def resume_rollout(
    services: Services,
    sites: ManagesFirmware,
    principal: Acting,
    rollout_id: RowId,
    asked: ActionRequest,
    _: Nothing,
) -> RolloutDetail:
    """Go on with the stage that was held or that stopped by itself; it is compared anew from now on."""
    services.rollouts.resume(rollout_id, principal, asked.reason, sites)
    return _detail(services, rollout_id, sites)


@router.post("/rollouts/{rollout_id}/skip", responses=_CHANGE)
def skip_stage(
    services: Services,
    sites: ManagesFirmware,
    principal: Acting,
    rollout_id: RowId,
    asked: ActionRequest,
    _: Nothing,
) -> RolloutDetail:
    """Begin the next stage now."""
    services.rollouts.skip(rollout_id, principal, asked.reason, sites)
    return _detail(services, rollout_id, sites)


@router.post("/rollouts/{rollout_id}/roll-back", responses=_CHANGE)
def roll_back(
    services: Services,
    sites: ManagesFirmware,
    principal: Acting,
    rollout_id: RowId,
    asked: RollBackRequest,
    _: Nothing,
) -> RolloutDetail:
    """Offer every device that may have the firmware another one instead."""
    to = None if asked.to is None else image_of(asked.to)
    services.rollouts.roll_back(rollout_id, principal, asked.reason, sites, to)
    return _detail(services, rollout_id, sites)


@router.post("/rollouts/{rollout_id}/cancel", responses=_CHANGE)
def cancel_rollout(
    services: Services,
    sites: ManagesFirmware,
    principal: Acting,
    rollout_id: RowId,
    asked: ActionRequest,
    _: Nothing,
) -> RolloutDetail:
    """End a roll-out; devices that have the firmware keep it."""
    services.rollouts.cancel(rollout_id, principal, asked.reason, sites)
    return _detail(services, rollout_id, sites)


def image_of(image: Image) -> Firmware:
    """Return an image as it was asked for; digests are kept in lower case."""
    return Firmware(image.version, image.url, image.sha256.lower(), image.size)


def _asked(asked: RolloutRequest) -> Asked:
    stages = STAGES if asked.stages is None else tuple(Stage(e.share, e.soak_h) for e in asked.stages)
    sites = None if asked.sites is None else frozenset(asked.sites)
    return Asked(
        image_of(asked.firmware),
        asked.model,
        sites,
        asked.region,
        asked.older_than,
        stages,
        asked.by_hand,
        asked.seed,
    )


def _item(rollout: Rollout) -> dict[str, Any]:
    aim = rollout.aim
    return {
        "id": rollout.id,
        "firmware": Image.model_validate(rollout.firmware),
        "model": aim.model,
        "sites": None if aim.sites is None else sorted(aim.sites),
        "region": aim.region,
        "older_than": aim.older_than,
        "state": rollout.state,
        "stage": rollout.stage + 1,
        "stages": [StageAsked.model_validate(each) for each in rollout.stages],
        "by_hand": rollout.by_hand,
        "made_by": rollout.made_by,
        "made_at": rollout.made_at,
        "started_at": rollout.started_at,
        "stage_at": rollout.stage_at,
        "reason": rollout.reason,
        "back_to": None if rollout.back_to is None else Image.model_validate(rollout.back_to),
    }


def _detail(services: ApiServices, rollout_id: int, sites: Sites) -> RolloutDetail:
    shown = find_rollout(services, rollout_id, sites)
    cohorts = [
        StageItem(
            share=stage.share,
            soak_h=stage.soak_h,
            devices=count.devices,
            by_state=count.by_state,
            sees=_names(sees),
        )
        for stage, count, sees in zip(shown.rollout.stages, shown.counts, shown.sees, strict=True)
    ]
    return RolloutDetail(
        **_item(shown.rollout),
        cohorts=cohorts,
        on=[VersionItem.model_validate(each) for each in shown.on],
        evidence=shown.rollout.evidence,
        verdict=_names(shown.verdict),
        false_stops=FALSE_STOPS,
        allowed=[each.replace("_", "-") for each in shown.allowed],
        events=[
            RolloutEvent(
                at=each.at,
                what=each.what,
                who=each.principal.name,
                before=each.before,
                after=each.after,
                reason=each.reason,
            )
            for each in shown.events
        ],
    )


def _names(text: Text) -> Names:
    return Names(en=text.en, zh=text.zh)
