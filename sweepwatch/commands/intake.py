"""The commands of `sweepwatch intake`, and the sheet of codes by which devices are reported."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from desk.clocks.files import load_clocks
from desk.clocks.standing import TicketClocks
from desk.files.files import CaseFiles
from desk.intake.intake import Intake
from desk.intake.links import ReportLinks
from desk.intake.mail import MailIntake
from desk.people.terms import TermsOfSites
from desk.tickets.desk import TicketDesk
from desk.tickets.writing import CaseWriter
from fleet.clock import SystemClock
from fleet.errors import InvalidInput, NotFound
from fleet.faults import FAULTS
from fleet.files import write_whole
from fleet.signals import Kind
from fleet.symptoms import match
from fleet.text import quoted
from storage.records.database import DeskDatabase
from storage.records.device_lists import devices_of
from storage.records.device_names import devices_at_site
from sweepwatch.commands.device_labels import sheet_of_reports
from sweepwatch.commands.doors import whoever
from sweepwatch.commands.installed import opened_desk
from sweepwatch.printing import Say, json_text
from sweepwatch.run.way_in import address_for_links
from sweepwatch.settings.desk import file_limits
from sweepwatch.settings.settings import Settings
from sweepwatch.zones import zones_of

_LARGEST_MAIL = 32 * 1024 * 1024


def take_mail(settings: Settings, read: Callable[[int], bytes], as_json: bool, say: Say) -> None:
    """Take one message and say what became of it. Raises InvalidInput for what is none, or is too large."""
    raw = read(_LARGEST_MAIL + 1)
    if len(raw) > _LARGEST_MAIL:
        raise InvalidInput(
            f"the message is larger than {_LARGEST_MAIL} bytes, which is the most that is taken"
        )
    with _mail(settings) as mail:
        taken = mail.take(raw, whoever())
    request = taken.request
    if as_json:
        ids = {"request": request.id, "ticket": request.ticket_id} if request else {}
        say(json_text(ids | {"ignored": taken.ignored, "refused": list(taken.refused)}))
        return
    for why in taken.refused:
        say(f"not taken: {why}")
    if request is None:
        say(f"no request: {taken.ignored}")
    elif request.ticket_id is None:
        say(f"request {request.id} waits: it names no device")
    else:
        say(f"request {request.id} is part of ticket {request.ticket_id}")


def propose(words: str, kind: str, as_json: bool, say: Say) -> None:
    """Print which faults somebody may mean."""
    found = match(words, Kind(kind))
    if as_json:
        say(json_text([{"fault": each.fault, "score": each.score} for each in found]))
        return
    for each in found:
        say(f"{each.score:4.0%}  {each.fault}  {FAULTS[each.fault].name.en}")
    if not found:
        say("The words name no fault.")


def report_labels(
    settings: Settings, device_ids: Sequence[str], site: str | None, out: Path, say: Say
) -> None:
    """Write a sheet of codes by which devices are reported: those named, or all of a site."""
    if out.exists():
        raise InvalidInput(f"{out} is there already; name another")
    if bool(device_ids) == (site is not None):
        raise InvalidInput("name devices, or --site SITE for all that are there")
    with opened_desk(settings) as desk:
        with desk.transaction() as session:
            found = list(devices_of(session, device_ids).values()) if device_ids else []
            found = found or list(devices_at_site(session, site or ""))
        missing = set(device_ids) - {one.id for one in found}
        if missing or not found:
            raise NotFound(f"there is no device {quoted(next(iter(missing), site))}")
        links = ReportLinks(desk, SystemClock())
        made = [(one, links.for_device(one.id, whoever())) for one in found]
    write_whole(out, sheet_of_reports(made, address_for_links(settings)).encode())
    say(f"{out} has {len(made)} codes; whoever scans one reports its device: print, and delete the file.")


@contextmanager
def _mail(settings: Settings) -> Iterator[MailIntake]:
    clock = SystemClock()
    with opened_desk(settings) as desk:
        files = CaseFiles(desk, clock, file_limits(settings.desk))
        yield MailIntake(desk, Intake(desk, _tickets(settings, desk, clock), clock, files.limits), files)


def _tickets(settings: Settings, desk: DeskDatabase, clock: SystemClock) -> TicketDesk:
    clocks = load_clocks(settings.desk.sla, settings.desk.calendars)
    dated = TicketClocks(clocks, zones_of(settings, desk).of, TermsOfSites(desk, clock).of)
    return TicketDesk(desk, CaseWriter(desk, dated, clock))
