"""Roll-outs of firmware and their devices. Callers bring the transaction."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import asdict, fields, replace
from typing import Any

from sqlalchemy import ForeignKey, Index, String, func, insert, or_, select, update
from sqlalchemy.orm import Mapped, Session, mapped_column

from fleet.commands import OPEN_STATES
from fleet.devices import Device as FleetDevice
from fleet.errors import Conflict, NotFound
from fleet.grants import Sites
from fleet.rollouts import (
    UNDER_WAY,
    Aim,
    Firmware,
    OfferState,
    Past,
    Rollout,
    RolloutDevice,
    RolloutState,
    Stage,
    StageCount,
    VersionCount,
)
from storage.records.base import Base, Number
from storage.records.commands import CommandRow
from storage.records.device_lists import to_device
from storage.records.devices import Device
from storage.records.paging import Asked, Order, Page, fetch_page
from storage.records.parts import parts_of
from storage.records.within import at_sites


class RolloutRow(Base):
    """A roll-out (fleet.rollouts.Rollout); `version` counts its changes, `data` has what no query asks."""

    __tablename__ = "rollout"

    id: Mapped[int] = mapped_column(Number, primary_key=True)
    state: Mapped[str] = mapped_column(String(16), index=True)
    model: Mapped[str] = mapped_column(String(64))
    firmware: Mapped[str] = mapped_column(String(64))
    stage: Mapped[int]
    version: Mapped[int]
    data: Mapped[dict[str, Any]]


class RolloutDeviceRow(Base):
    """A device of a roll-out (fleet.rollouts.RolloutDevice)."""

    __tablename__ = "rollout_device"

    rollout_id: Mapped[int] = mapped_column(
        Number, ForeignKey("rollout.id", ondelete="CASCADE"), primary_key=True
    )
    place: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    device_id: Mapped[str] = mapped_column(String(64))
    site: Mapped[str] = mapped_column(String(64))
    stage: Mapped[int]
    state: Mapped[str] = mapped_column(String(16))
    before: Mapped[str | None] = mapped_column(String(64))
    past: Mapped[dict[str, Any]]
    offered_at: Mapped[int | None]
    installed_at: Mapped[int | None]
    command: Mapped[str | None] = mapped_column(String(32))
    detail: Mapped[str] = mapped_column(String(255))

    __table_args__ = (Index("ix_rollout_device_device_id", "device_id"),)


_COLUMNS = frozenset({"id", "state", "stage", "version", "firmware", "aim", "stages", "back_to"})
_PLAIN = tuple(field.name for field in fields(Rollout) if field.name not in _COLUMNS)
_CHANGING = ("state", "offered_at", "installed_at", "command", "detail")


def add_rollout(session: Session, new: Rollout) -> Rollout:
    """Keep a new roll-out; its id is given here."""
    row = RolloutRow(
        state=new.state,
        model=new.aim.model,
        firmware=new.firmware.version,
        stage=new.stage,
        version=0,
        data=_data(new),
    )
    session.add(row)
    session.flush()
    return _rollout(row)


def save_rollout(session: Session, changed: Rollout) -> Rollout:
    """Store a roll-out unless somebody else changed it meanwhile. Raises Conflict then."""
    stored = (
        update(RolloutRow)
        .where(RolloutRow.id == changed.id, RolloutRow.version == changed.version)
        .values(state=changed.state, stage=changed.stage, version=changed.version + 1, data=_data(changed))
    )
    if session.execute(stored.returning(RolloutRow.id)).first() is None:
        raise Conflict(f"roll-out {changed.id} was changed meanwhile; look at it again")
    return replace(changed, version=changed.version + 1)


def rollout_of(session: Session, rollout_id: int, sites: Sites = None) -> Rollout:
    """Return one roll-out. Raises NotFound, where it reaches beyond these sites as well."""
    row = session.get(RolloutRow, rollout_id)
    found = None if row is None else _rollout(row)
    if found is None or not _is_within(found, sites):
        raise NotFound(f"there is no roll-out {rollout_id}")
    return found


def rollouts(session: Session, sites: Sites = None) -> Sequence[Rollout]:
    """Return the roll-outs that do not reach beyond these sites, the newest first."""
    every = map(_rollout, session.scalars(select(RolloutRow).order_by(RolloutRow.id.desc())))
    return [each for each in every if _is_within(each, sites)]


def hold_rollout(session: Session, rollout_id: int, sites: Sites = None) -> Rollout:
    """Return a roll-out that nobody else changes until this transaction ends. Raises NotFound."""
    # The no-change makes us the only writer before reading: what is read is then what is changed.
    session.execute(update(RolloutRow).where(RolloutRow.id == rollout_id).values(version=RolloutRow.version))
    return rollout_of(session, rollout_id, sites)


def rollouts_to_follow(session: Session) -> Sequence[int]:
    """Return the ids of the roll-outs that go on, or of which devices have not answered yet."""
    awaited = select(RolloutDeviceRow.rollout_id).where(
        RolloutDeviceRow.state.in_((OfferState.WAITING, OfferState.GOING_BACK))
    )
    goes_on = RolloutRow.state.in_((*UNDER_WAY, RolloutState.WAITING))
    wanted = select(RolloutRow.id).where(or_(goes_on, RolloutRow.id.in_(awaited)))
    return session.scalars(wanted.order_by(RolloutRow.id)).all()


def rollouts_under_way(session: Session, model: str) -> Sequence[Rollout]:
    """Return the roll-outs for a model that have begun and are not over."""
    begun = {*UNDER_WAY, RolloutState.WAITING, RolloutState.PAUSED, RolloutState.STOPPED}
    wanted = select(RolloutRow).where(RolloutRow.model == model, RolloutRow.state.in_(begun))
    return [_rollout(row) for row in session.scalars(wanted)]


def devices_going_back(session: Session, model: str) -> frozenset[str]:
    """Return the devices of a model that are on their way back from a roll-out that was taken back."""
    wanted = (
        select(RolloutDeviceRow.device_id)
        .join(RolloutRow, RolloutRow.id == RolloutDeviceRow.rollout_id)
        .where(RolloutRow.model == model, RolloutDeviceRow.state == OfferState.GOING_BACK)
    )
    return frozenset(session.scalars(wanted))


def add_rollout_devices(session: Session, rollout_id: int, devices: Iterable[RolloutDevice]) -> None:
    """Keep the devices of a roll-out that begins."""
    rows = [{**asdict(each), "rollout_id": rollout_id, "past": asdict(each.past)} for each in devices]
    if rows:
        session.execute(insert(RolloutDeviceRow), rows)


def change_rollout_devices(session: Session, rollout_id: int, devices: Iterable[RolloutDevice]) -> None:
    """Store how far devices of a roll-out are."""
    rows = [
        {"rollout_id": rollout_id, "place": each.place, **{name: getattr(each, name) for name in _CHANGING}}
        for each in devices
    ]
    if rows:
        session.execute(update(RolloutDeviceRow), rows, execution_options={"synchronize_session": None})


def rollout_devices(session: Session, rollout_id: int) -> list[RolloutDevice]:
    """Return the devices of a roll-out in the order of their turns."""
    wanted = select(RolloutDeviceRow).where(RolloutDeviceRow.rollout_id == rollout_id)
    return [_device(row) for row in session.scalars(wanted.order_by(RolloutDeviceRow.place))]


def find_rollout_devices(
    session: Session, rollout_id: int, state: OfferState | None, asked: Asked, *, begun: bool = False
) -> Page[RolloutDevice]:
    """Return one page of the devices of a roll-out in the order of their turns.

    Only those in one state, if it is given; `begun`: only those whose turn has come.
    """
    wanted = select(RolloutDeviceRow).where(RolloutDeviceRow.rollout_id == rollout_id)
    if begun:
        wanted = wanted.where(RolloutDeviceRow.state != OfferState.LATER)
    if state is not None:
        wanted = wanted.where(RolloutDeviceRow.state == state)
    order = Order(RolloutDeviceRow.place, RolloutDeviceRow.place, asked.descending)
    return fetch_page(session, wanted, order, asked).of(_device)


def count_stages(session: Session, rollout_id: int) -> list[StageCount]:
    """Count the devices that each stage of a roll-out adds, by how far they are."""
    stage, state = RolloutDeviceRow.stage, RolloutDeviceRow.state
    wanted = (
        select(stage, state, func.count())
        .where(RolloutDeviceRow.rollout_id == rollout_id)
        .group_by(stage, state)
        .order_by(stage)
    )
    found: dict[int, dict[OfferState, int]] = {}
    for number, how, count in session.execute(wanted):
        found.setdefault(number, {})[OfferState(how)] = count
    return [StageCount(number, sum(each.values()), each) for number, each in found.items()]


def taken_devices(session: Session, rollout_ids: Collection[int]) -> frozenset[str]:
    """Return the devices that are in one of these roll-outs."""
    wanted = select(RolloutDeviceRow.device_id).where(RolloutDeviceRow.rollout_id.in_(rollout_ids))
    return frozenset(session.scalars(wanted)) if rollout_ids else frozenset()


def devices_of_model(session: Session, model: str, sites: Sites) -> list[FleetDevice]:
    """Return the devices of a model at some sites, by id."""
    wanted = at_sites(select(Device).where(Device.model == model), Device.site, sites)
    return [to_device(row) for row in session.scalars(wanted.order_by(Device.id))]


def count_versions(session: Session, sites: Sites, model: str | None = None) -> list[VersionCount]:
    """Count the devices at some sites by model and version, by name; those without a version first."""
    wanted = at_sites(select(Device.model, Device.firmware, func.count()), Device.site, sites)
    if model is not None:
        wanted = wanted.where(Device.model == model)
    counted = [VersionCount(*row) for row in session.execute(wanted.group_by(Device.model, Device.firmware))]
    return sorted(counted, key=lambda each: (each.model, each.version or ""))


def firmware_known(session: Session, model: str, version: str) -> Firmware | None:
    """Return the image of a version that a roll-out for the model offered before."""
    wanted = select(RolloutRow).where(RolloutRow.model == model, RolloutRow.firmware == version)
    row = session.scalars(wanted.order_by(RolloutRow.id.desc()).limit(1)).first()
    return None if row is None else _rollout(row).firmware


def open_offers(session: Session, device_ids: Sequence[str], version: str) -> dict[str, str]:
    """Return for devices the id of the command that offers them a version and is not over yet."""
    found: dict[str, str] = {}
    for part in parts_of(device_ids):
        wanted = select(CommandRow).where(
            CommandRow.device_id.in_(part),
            CommandRow.command == "offer_firmware",
            CommandRow.state.in_(OPEN_STATES),
        )
        rows = session.scalars(wanted.order_by(CommandRow.id))
        found |= {row.device_id: row.id for row in rows if row.params.get("version") == version}
    return found


def _is_within(rollout: Rollout, sites: Sites) -> bool:
    return sites is None or (rollout.aim.sites is not None and rollout.aim.sites <= sites)


def _data(rollout: Rollout) -> dict[str, Any]:
    aim = asdict(rollout.aim) | {"sites": None if rollout.aim.sites is None else sorted(rollout.aim.sites)}
    return {name: getattr(rollout, name) for name in _PLAIN} | {
        "firmware": asdict(rollout.firmware),
        "aim": aim,
        "stages": [asdict(stage) for stage in rollout.stages],
        "back_to": None if rollout.back_to is None else asdict(rollout.back_to),
    }


def _rollout(row: RolloutRow) -> Rollout:
    data = dict(row.data)
    aim = data["aim"]
    sites = None if aim["sites"] is None else frozenset(aim["sites"])
    return Rollout(
        id=row.id,
        state=RolloutState(row.state),
        stage=row.stage,
        version=row.version,
        firmware=Firmware(**data["firmware"]),
        aim=Aim(**{**aim, "sites": sites}),
        stages=tuple(Stage(**each) for each in data["stages"]),
        back_to=None if data["back_to"] is None else Firmware(**data["back_to"]),
        **{name: data[name] for name in _PLAIN},
    )


def _device(row: RolloutDeviceRow) -> RolloutDevice:
    return RolloutDevice(
        row.device_id,
        row.site,
        row.place,
        row.stage,
        OfferState(row.state),
        row.before,
        Past(**row.past),
        row.offered_at,
        row.installed_at,
        row.command,
        row.detail,
    )
