"""Which model each device is and in which region it works. Callers bring the transaction."""

import polars as pl
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from storage.records.devices import Device
from storage.records.sites import SiteRow

_SCHEMA = {"device_id": pl.String, "model": pl.String, "region": pl.String}


def device_regions(session: Session) -> pl.DataFrame:
    """Return device_id, model and region of all devices, "" where its site has none."""
    wanted = select(Device.id, Device.model, func.coalesce(SiteRow.region, "")).outerjoin(
        SiteRow, SiteRow.id == Device.site
    )
    rows = [tuple(row) for row in session.execute(wanted)]
    return pl.DataFrame(rows, schema=_SCHEMA, orient="row")
