"""The files of cases: taken once they are checked, given back as they are kept."""

import threading
from collections.abc import Sequence

from sqlalchemy.orm import Session

from desk.files.checked import Checked, Upload, checked
from fleet.case_files import CaseFile, FileLimits
from fleet.clock import Clock
from fleet.errors import InvalidInput, NotFound
from fleet.events import Event, Subject
from fleet.grants import Sites
from fleet.principals import Principal
from fleet.text import quoted
from fleet.tickets import Ticket
from storage.records.database import DeskDatabase
from storage.records.events import tell
from storage.records.files import (
    body_of,
    count_files,
    file_of,
    files_of_request,
    insert_file,
    same_file,
    thumbnail_of,
)
from storage.records.tickets import ticket


class CaseFiles:
    """Keeps files in the desk database. From any thread; all may raise StoreUnavailable."""

    def __init__(self, desk: DeskDatabase, clock: Clock, limits: FileLimits | None = None) -> None:
        self._desk = desk
        self._clock = clock
        self.limits = limits or FileLimits()
        self._decoding = threading.Lock()

    def checked(self, upload: Upload) -> Checked:
        """Return a file as it may be kept; one at a time, since each may take much memory for a moment.

        Raises InvalidInput, which names the file.
        """
        try:
            with self._decoding:
                return checked(upload, self.limits)
        except InvalidInput as error:
            raise InvalidInput(f"{quoted(upload.name)}: {error}") from error

    def add(self, ticket_id: int, upload: Upload, by: Principal, sites: Sites = None) -> CaseFile:
        """Keep a file of a case; one that it has already is returned as it is.

        Raises NotFound, and InvalidInput for a file that is not taken or one too many.
        """
        with self._desk.transaction() as session:
            self._check_room(session, ticket(session, ticket_id, sites))
        fit = self.checked(upload)
        with self._desk.transaction() as session:
            case = ticket(session, ticket_id, sites)
            known = same_file(session, fit.sha256, case.id, None)
            if known is not None:
                return known
            self._check_room(session, case)
            kept = keep(session, fit, by, self._clock.now_ms(), ticket_id=case.id)
            tell(session, _added(kept, case, by))
            return kept

    def _check_room(self, session: Session, case: Ticket) -> None:
        if count_files(session, case.id) >= self.limits.a_case:
            raise InvalidInput(f"ticket {case.id} has {self.limits.a_case} files, which is the most")

    def open(self, ticket_id: int, file_id: int, small: bool = False) -> tuple[CaseFile, bytes]:
        """Return a file of a case with its content, or its thumbnail. Raises NotFound."""
        with self._desk.transaction() as session:
            found = file_of(session, file_id) if 0 < file_id < 2**63 else None
            if found is None or found.ticket_id != ticket_id:
                raise NotFound(f"ticket {ticket_id} has no file {file_id}")
            return found, self._content(session, found, small)

    def open_of_request(self, request_id: int, file_id: int, small: bool = False) -> tuple[CaseFile, bytes]:
        """Return a file that came with a request; as `open`."""
        with self._desk.transaction() as session:
            found = next((one for one in files_of_request(session, request_id) if one.id == file_id), None)
            if found is None:
                raise NotFound(f"request {request_id} has no file {file_id}")
            return found, self._content(session, found, small)

    def _content(self, session: Session, found: CaseFile, small: bool) -> bytes:
        body = thumbnail_of(session, found.id) if small else body_of(session, found.id)
        if body is None:
            raise NotFound(f"file {found.id} has no thumbnail")
        return body


def keep(
    session: Session,
    fit: Checked,
    by: Principal,
    now: int,
    *,
    ticket_id: int | None = None,
    request_id: int | None = None,
) -> CaseFile:
    """Keep a checked file of a case, or of a request."""
    new = CaseFile(
        0,
        fit.name,
        fit.kind,
        fit.media_type,
        len(fit.body),
        fit.sha256,
        now,
        by.name,
        ticket_id,
        request_id,
        fit.thumbnail is not None,
    )
    return insert_file(session, new, fit.body, fit.thumbnail)


def checked_apart(files: CaseFiles, uploads: Sequence[Upload]) -> tuple[list[Checked], list[str]]:
    """Return those of several files that can be taken, and why the others cannot."""
    fit, refused = [], []
    for upload in uploads:
        try:
            fit.append(files.checked(upload))
        except InvalidInput as error:
            refused.append(str(error))
    return fit, refused


def _added(kept: CaseFile, case: Ticket, by: Principal) -> Event:
    data = {"device_id": case.device_id, "alerts": [], "confirmed": [], "file": kept.id, "name": kept.name}
    return Event(kept.at, Subject.TICKET, str(case.id), "file", by, kept.name, case.site, data=data)
