"""The settings of dispatch: how days are planned, and how long ways take."""

from pathlib import Path
from typing import Literal, Self

from pydantic import Field, model_validator

from desk.dispatch.settings import DispatchSettings as Used
from desk.dispatch.settings import Replan
from desk.dispatch.travel.circle import Circle
from desk.dispatch.travel.files import MatrixFile
from desk.dispatch.travel.osrm import Osrm
from desk.dispatch.travel.port import Travel
from fleet.clock import MINUTE_MS
from sweepwatch.settings.section import Section

_TIME = r"^([01]\d|2[0-3]):[0-5]\d$"


class DispatchSettings(Section):
    """Dispatch: who goes to which case when."""

    planner: Literal["vroom", "pyvrp", "insertion"] = Field(
        "vroom", description="What plans a day (docs/decisions/0054-plans-of-a-day.md says how they measure)"
    )
    cpu_s: float = Field(5.0, gt=0, le=600, description="Seconds of one core that a day's plan may take")
    freeze_min: int = Field(
        60, ge=0, le=24 * 60, description="What begins so soon is not moved by a plan; minutes"
    )
    replan: Literal["off", "propose", "apply"] = Field(
        "propose",
        description="What becomes of a day in which something changed: a plan to look at, or by itself",
    )
    replan_every_min: int = Field(
        5, ge=1, le=24 * 60, description="So often at most a region's day is planned anew; minutes"
    )
    retold_share: float = Field(
        0.15, ge=0, le=1, description="By itself only where so many customers at most are told another time"
    )
    margin_min: int = Field(
        20, ge=0, le=240, description="Visits are planned so long before their promise breaks; minutes"
    )
    hours_from: str = Field("08:00", pattern=_TIME, description="Hours of engineers who have no shifts: from")
    hours_to: str = Field("18:00", pattern=_TIME, description="... to, on working days")
    lunch_min: int = Field(45, ge=0, le=240, description="Length of the lunch break, 0 for none; minutes")
    lunch_from: str = Field("11:30", pattern=_TIME, description="The lunch break is not before")
    lunch_to: str = Field("13:30", pattern=_TIME, description="The lunch break is over by")
    loaded_by: str = Field(
        "",
        pattern=_TIME + "|^$",
        description="Vans are loaded overnight by then with what depots put aside; empty: nobody does",
    )
    detour: float = Field(1.35, ge=1, le=5, description="How much longer roads are than the crow flies")
    matrix: Path | None = Field(
        None, description="Ways from a CSV file (from,to,seconds,metres) in place of the crow's"
    )
    osrm_url: str | None = Field(
        None,
        pattern=r"^https?://\S+$",
        description="An OSRM server whose table service tells the ways; the crow does where it is silent",
    )

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        for name in ("hours", "lunch"):
            begins, ends = getattr(self, f"{name}_from"), getattr(self, f"{name}_to")
            if begins >= ends:
                raise ValueError(f"{name}_from: {begins} has to be before {name}_to, {ends}")
        if minutes_of(self.lunch_to) - minutes_of(self.lunch_from) < self.lunch_min:
            raise ValueError("lunch_min: longer than from lunch_from to lunch_to")
        if self.matrix is not None and self.osrm_url is not None:
            raise ValueError("matrix: either a file or osrm_url, not both")
        return self

    def used(self) -> Used:
        """Return what dispatch goes by."""
        return Used(
            hours=(minutes_of(self.hours_from), minutes_of(self.hours_to)),
            lunch_ms=self.lunch_min * MINUTE_MS,
            lunch_from=minutes_of(self.lunch_from),
            lunch_to=minutes_of(self.lunch_to),
            planner=self.planner,
            cpu_s=self.cpu_s,
            freeze_ms=self.freeze_min * MINUTE_MS,
            replan=Replan(self.replan),
            replan_every_ms=self.replan_every_min * MINUTE_MS,
            retold_share=self.retold_share,
            margin_ms=self.margin_min * MINUTE_MS,
            loaded_by=minutes_of(self.loaded_by) if self.loaded_by else None,
        )

    def travel(self) -> Travel:
        """Return what knows the ways. Raises InvalidInput for a file that cannot be read."""
        crow = Circle(detour=self.detour)
        if self.osrm_url is not None:
            return Osrm(self.osrm_url, crow)
        return crow if self.matrix is None else MatrixFile.read(self.matrix)


def minutes_of(time: str) -> int:
    """Return the minutes after midnight of a time such as 08:30."""
    hours, minutes = time.split(":")
    return int(hours) * 60 + int(minutes)
