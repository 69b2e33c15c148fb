"""Which names devices have of their sites, models and the like; callers bring the transaction."""

from sqlalchemy import select
from sqlalchemy.orm import Session

from fleet.alerts import INSTALLATION
from fleet.mutes import fits, is_pattern
from storage.records.devices import Device
from storage.records.sites import SiteRow


def fleet_names(session: Session) -> dict[str, set[str]]:
    """Return the sites, regions, models and firmware that are known."""
    columns = {"site": Device.site, "model": Device.model, "firmware": Device.firmware}
    found = {name: _all(session, column) for name, column in columns.items()}
    found["site"] |= _all(session, SiteRow.id)
    return found | {"region": _all(session, SiteRow.region)}


def device_known(session: Session, wanted: str) -> bool:
    """Tell whether a device, or one of a pattern, is known; the installation always is."""
    if wanted == INSTALLATION:
        return True
    if not is_pattern(wanted):
        return session.get(Device, wanted) is not None
    begin = wanted.partition("*")[0]
    ids = session.scalars(select(Device.id).where(Device.id.startswith(begin, autoescape=True)))
    return any(fits(wanted, each) for each in ids)


def _all(session: Session, column: object) -> set[str]:
    return {each for each in session.scalars(select(column).distinct()) if each}  # type: ignore[call-overload]
