"""The settings of the service desk: its database, promises, stock, and how long things are kept."""

from pathlib import Path

from pydantic import Field

from fleet.case_files import MEBIBYTE, FileLimits
from sweepwatch.settings.section import Section


class DeskSettings(Section):
    """The desk database."""

    url: str | None = Field(
        None,
        repr=False,
        pattern=r"^(sqlite|postgresql)(\+\w+)?://\S+$",
        description="sqlite:///path, or with the extra `postgres` postgresql+psycopg://user:pass@host/name; "
        "empty: in the data folder",
    )
    sla: Path | None = Field(
        None, description="An SLA policy of your own (YAML); empty: the standard promises (docs/desk.md)"
    )
    calendars: Path | None = Field(
        None,
        description="Service calendars (YAML) that its promises are counted by; empty: every minute counts",
    )
    service: Path | None = Field(
        None,
        description="Checklists of visits and causes of lateness of your own (YAML); empty: those that ship",
    )
    demands: Path | None = Field(
        None,
        description="What is demanded of engineers (YAML): hours of training a year, and skills that need a "
        "certificate; empty: the standard demands (docs/desk.md)",
    )
    call_after_days: int = Field(
        3, ge=0, le=30, description="A repair of which nobody said anything for so long is called about"
    )
    reservation_days: int = Field(
        7, ge=1, le=365, description="Parts that nobody used or let go of are held for a case for so long"
    )
    lead_days: int = Field(
        14,
        ge=0,
        le=3650,
        description="A part of which nobody said it is delivered so many days after it was ordered",
    )
    stock_quantile: float = Field(
        0.95,
        gt=0.5,
        lt=1,
        description="Stock is ordered so that it suffices in this share of all lead times",
    )
    words_retention_days: int = Field(
        730,
        ge=30,
        le=36_500,
        description="What customers wrote, their names, contacts, signatures and files of cases are kept "
        "for so long after their case was opened, and until it is over (docs/personal-data.md)",
    )
    file_mb: int = Field(10, ge=1, le=10, description="The most that one file of a case may have, in MiB")
    files_a_case: int = Field(20, ge=1, le=1000, description="So many files a case takes")


def file_limits(desk: DeskSettings) -> FileLimits:
    """Return what files of cases may have at most."""
    return FileLimits(desk.file_mb * MEBIBYTE, desk.files_a_case)
