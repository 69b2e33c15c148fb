"""The room of intake as others are handed it: reports, their files, links and messages, and dossiers."""

from collections.abc import Sequence
from dataclasses import dataclass

from desk.files.files import CaseFiles
from desk.intake.dossier import Dossiers, FactSource
from desk.intake.intake import Intake, Reports
from desk.intake.links import ReportLinks
from desk.intake.mail import MailIntake
from fleet.case_files import FileLimits
from fleet.clock import Clock
from storage.ports import TelemetryStore
from storage.records.database import DeskDatabase


@dataclass(frozen=True, slots=True)
class IntakeRoom:
    """What takes reports, and what is known of the device that they are about."""

    reports: Intake
    files: CaseFiles
    mail: MailIntake
    links: ReportLinks
    dossiers: Dossiers


def open_intake(
    desk: DeskDatabase,
    store: TelemetryStore,
    tickets: Reports,
    clock: Clock,
    sources: Sequence[FactSource] = (),
    limits: FileLimits | None = None,
) -> IntakeRoom:
    """Wire the room; `sources` are asked for what dossiers tell beside."""
    files = CaseFiles(desk, clock, limits)
    reports = Intake(desk, tickets, clock, files.limits)
    return IntakeRoom(
        reports,
        files,
        MailIntake(desk, reports, files),
        ReportLinks(desk, clock),
        Dossiers(desk, store, sources),
    )
