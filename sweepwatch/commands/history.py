"""`sweepwatch import`: somebody's own history in, looked at first, and taken in when asked to."""

import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, nullcontext
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from desk.clocks.clocks import Clocks
from desk.clocks.files import load_clocks
from desk.clocks.standing import TicketClocks
from desk.lists.lists import Lists
from desk.people.terms import TermsOfSites
from desk.tickets.past import PastCases
from fleet.clock import DAY_MS, Clock, SystemClock
from fleet.errors import DataFolderError, InvalidInput
from fleet.lists import ListKind, ListReport, Verdict
from fleet.past_cases import PastVerdict
from fleet.signals import Kind, SignalTable
from ingest.history.facts import DeviceFact
from ingest.history.facts_in import Located, devices_in, events_in, refusal, repairs_in
from ingest.history.ledger import Ledger, Turned
from ingest.history.plan import PARTS, Plan, check_files, read_plan
from ingest.history.progress import ProgressNote, fingerprint
from ingest.history.readings_in import Target, TelemetryImport
from ingest.history.sources import files_of
from ingest.watch.privacy import Privacy
from storage.ports import TelemetryStore
from storage.records.database import DeskDatabase, open_desk
from storage.records.devices import Devices, Placement, ReportedEvent
from storage.series.store_url import DuckDbAddress
from sweepwatch.commands.doors import whoever
from sweepwatch.data_folder import DESK, for_this_user_alone, open_data_folder
from sweepwatch.printing import Say, json_text
from sweepwatch.run.progress import Report, bar
from sweepwatch.settings.settings import Settings
from sweepwatch.settings.signals import signal_table
from sweepwatch.stores import DuckDbUse
from sweepwatch.wiring import desk_url, open_store_of, store_address, uses_folder
from sweepwatch.zones import zones_of

IMPORTING = DuckDbUse(threads=1, memory_mb=512)
"""What a DuckDB store may use meanwhile: whole row groups go to the file by themselves."""
NOTES = "imports"
"""The folder in the data folder that says how far imports are which were broken off."""
_EVENTS_AT_ONCE = 5_000
_LISTS = (ListKind.CUSTOMERS, ListKind.ENGINEERS, ListKind.PARTS)


@dataclass(frozen=True, slots=True)
class Given:
    """The files of a history, by what they hold, and the map by which they are read."""

    map: Path | None
    files: Mapping[str, Path]
    lists: Mapping[ListKind, Path] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class _Place:
    """Where a history goes: nowhere for good in a dry run (`store` None where it cannot be looked at)."""

    desk: DeskDatabase
    store: TelemetryStore | None
    notes: Path | None


def import_history(
    settings: Settings,
    given: Given,
    *,
    take: bool,
    rejects: Path | None,
    as_json: bool,
    say: Say,
    report: Report | None = None,
    clock: Clock | None = None,
) -> int:
    """Look at a history, and take it in where `take` says so; print what became of it.

    `report` is told the share of telemetry that is read; without it a bar shows it, unless it is `as_json`.
    `clock` says what is in the future, the machine's unless given.

    Returns how many rows are refused. Raises Mistakes for a map that is wrong, InvalidInput for files that
    cannot be read, DataFolderError while another process has the data folder.
    """
    for_this_user_alone()
    signals = signal_table(settings)
    plan, files = planned(given, signals)
    with _place(settings, signals, take=take, telemetry="telemetry" in files) as place:
        note, noted = _note(settings, plan, files, place)
        ledger = Ledger(rejects, None if noted is None else noted["ledger"])
        try:
            work = _Work(settings, signals, plan, place, ledger, clock or SystemClock(), take=take)
            reports = {} if noted else work.lists(given.lists)
            work.run(files, note, noted, report or ((lambda _share: None) if as_json else None))
        finally:
            ledger.close()
        note.end()
    if as_json:
        said: dict[str, Any] = {
            "taken": take,
            "resumed": noted is not None,
            "parts": ledger.as_data(),
            "unread": work.unread,
        }
        say(json_text(said | {"lists": {str(kind): each.counts for kind, each in reports.items()}}))
    else:
        _print(ledger, reports, say, resumed=noted is not None)
        _print_beside(work, settings, say, take=take)
    refused = sum(each.counts[Verdict.REFUSED] for each in reports.values())
    return refused + sum(each.refused for each in ledger.parts.values())


def planned(given: Given, signals: SignalTable) -> tuple[Plan | None, dict[str, list[Path]]]:
    """Return the map and the files that it is for, both checked. Raises Mistakes or InvalidInput."""
    if not given.files and not given.lists:
        raise InvalidInput(f"nothing to import: give one of {', '.join(f'--{part}' for part in PARTS)}")
    if given.map is None:
        if given.files:
            raise InvalidInput(
                "--map is missing: the file that says which column is what (docs/own-history.md)"
            )
        return None, {}
    plan = read_plan(given.map, signals)
    files = {part: files_of(path, plan.part(part)) for part, path in given.files.items()}
    for part, paths in files.items():
        check_files(plan, part, paths)
    return plan, files


@contextmanager
def _place(settings: Settings, signals: SignalTable, *, take: bool, telemetry: bool) -> Iterator[_Place]:
    with ExitStack() as held:
        if take:
            folder = open_data_folder(settings.data, shared=not uses_folder(settings))
            held.callback(folder.close)
            desk = open_desk(desk_url(settings, folder))
            held.callback(desk.close)
            store = (
                open_store_of(settings, store_address(settings), signals, IMPORTING) if telemetry else None
            )
            if store is not None:
                held.callback(store.close)
            yield _Place(desk, store, folder.root / NOTES)
            return
        there = settings.data.resolve() / DESK
        url = settings.desk.url or f"sqlite:///{there}"
        if settings.desk.url is None and not there.exists():  # an installation that the import would make
            url = f"sqlite:///{held.enter_context(tempfile.TemporaryDirectory())}/{DESK}"
        desk = open_desk(url)
        held.callback(desk.close)
        store = _looked_at(settings, signals) if telemetry else None
        if store is not None:
            held.callback(store.close)
        yield _Place(desk, store, None)


def _looked_at(settings: Settings, signals: SignalTable) -> TelemetryStore | None:
    """Return the store, to look at what it keeps; None where there is none yet, or another process has it."""
    address = store_address(settings)
    if isinstance(address, DuckDbAddress) and not address.path.exists():
        return None
    try:
        return open_store_of(settings, address, signals, IMPORTING)
    except DataFolderError:
        return None


def _note(
    settings: Settings, plan: Plan | None, files: Mapping[str, Sequence[Path]], place: _Place
) -> tuple[ProgressNote, dict[str, Any] | None]:
    if plan is None or place.notes is None or "telemetry" not in files:
        return ProgressNote(None, ""), None
    every = [path for part in PARTS for path in files.get(part, ())]
    note = ProgressNote(place.notes, fingerprint(plan.text, str(store_address(settings)), every))
    return note, note.read()


class _Work:
    """The parts of one import, in the order in which each needs the one before."""

    def __init__(
        self,
        settings: Settings,
        signals: SignalTable,
        plan: Plan | None,
        place: _Place,
        ledger: Ledger,
        clock: Clock,
        *,
        take: bool,
    ) -> None:
        self._settings, self._signals, self._plan, self._take = settings, signals, plan, take
        self._desk, self._store, self._ledger = place.desk, place.store, ledger
        self._clock, self._devices = clock, Devices(place.desk)
        self._known: dict[str, Placement] = self._devices.placements()
        personal_ms = settings.store.personal_retention_days * DAY_MS
        self._privacy = Privacy(place.desk, self._clock, personal_ms)
        self.oldest: int | None = None
        self.unread: list[str] = []

    def lists(self, files: Mapping[ListKind, Path]) -> dict[ListKind, ListReport]:
        """Take lists in as `sweepwatch lists import` does."""
        lists, found = Lists(self._desk, self._clock), {}
        for kind in _LISTS:
            if kind in files:
                try:
                    content = files[kind].read_bytes()
                except OSError as error:
                    raise InvalidInput(f"{files[kind]}: {error.strerror}") from error
                found[kind] = (
                    lists.take(kind, content, whoever()) if self._take else lists.look(kind, content)
                )
        return found

    def run(
        self,
        files: Mapping[str, Sequence[Path]],
        note: ProgressNote,
        noted: Mapping[str, Any] | None,
        told: Report | None,
    ) -> None:
        """Take the files of a history in; what was done before an import was broken off is not done again."""
        if "devices" in files and noted is None:
            self._take_devices(files["devices"])
        if "telemetry" in files:
            shown = bar("Reading telemetry") if told is None else nullcontext(told)
            with shown as report:
                self._take_readings(files["telemetry"], note, report)
        kinds = {name: place.kind for name, place in self._known.items()}
        if "repairs" in files:
            self._take_repairs(files["repairs"], kinds)
        if "events" in files:
            self._take_events(files["events"], kinds)

    def _take_devices(self, files: Sequence[Path]) -> None:
        assert self._plan is not None  # there are files, so there is a map
        facts = devices_in(self._plan, files, self._ledger, self._known)
        counts, now = self._ledger.of("devices"), self._clock.now_ms()
        new = {each.info.device_id for each in facts} - self._known.keys()
        counts.taken, counts.new = counts.read - counts.refused, len(new)
        counts.known = counts.taken - counts.new
        self._known |= {each.info.device_id: each.place for each in facts}
        if self._take:
            for since, some in _by_time(facts, now).items():
                self._devices.register({each.info.device_id: each.place for each in some}, since)
            self._devices.record_info([each.info for each in facts])

    def _take_readings(self, files: Sequence[Path], note: ProgressNote, report: Any) -> None:
        assert self._plan is not None  # as above
        kept = {} if self._store is None else {kind: self._store.kept_hours(kind)[1] for kind in Kind}
        target = None
        if self._take and self._store is not None:
            target = Target(self._store, self._devices, self._privacy)
        work = TelemetryImport(self._plan, self._signals, self._known, self._clock, kept, target)
        work.run(files, self._ledger, note, report)
        self._known, self.oldest, self.unread = dict(work.known), work.oldest, list(work.unread)

    def _take_repairs(self, files: Sequence[Path], kinds: Mapping[str, Kind]) -> None:
        assert self._plan is not None  # as above
        now = self._clock.now_ms()
        found = repairs_in(self._plan, files, self._ledger, kinds, now)
        cases = PastCases(self._desk, self._clocks(), self._clock)
        values = [each.value for each in found.cases]
        outcomes = cases.take(values, whoever()) if self._take else cases.look(values, self._known)
        counts = self._ledger.of("repairs")
        for row, outcome in zip(found.cases, outcomes, strict=True):
            if outcome.verdict is PastVerdict.REFUSED:
                self._ledger.refuse("repairs", [refusal(row.file, row.line, "bad_case", outcome.reason)])
            counts.new += outcome.verdict is PastVerdict.NEW
            counts.known += outcome.verdict is PastVerdict.KNOWN
            self._ledger.drop("repairs", [_remark(row, each) for each in outcome.remarks])
        counts.new += len(found.ends)
        counts.taken = counts.read - counts.refused
        if self._take:
            self._devices.record_events([event for row in found.ends for event in row.value])

    def _take_events(self, files: Sequence[Path], kinds: Mapping[str, Kind]) -> None:
        assert self._plan is not None  # as above
        some: list[ReportedEvent] = []
        for event in events_in(self._plan, files, self._ledger, kinds, self._clock.now_ms()):
            some.append(event)
            if self._take and len(some) >= _EVENTS_AT_ONCE:
                self._devices.record_events(self._privacy.events(some, kinds.get))
                some = []
        if self._take:
            self._devices.record_events(self._privacy.events(some, kinds.get))
        counts = self._ledger.of("events")
        counts.taken = counts.new = counts.read - counts.refused

    def _clocks(self) -> TicketClocks:
        files = load_clocks(self._settings.desk.sla, self._settings.desk.calendars)
        terms = TermsOfSites(self._desk, self._clock)
        zones = zones_of(self._settings, self._desk)
        return TicketClocks(Clocks(files.policy, files.calendars), zones.of, terms.of)


def _remark(row: Located, why: str) -> Turned:
    return Turned(row.file, [row.line], "unknown_part", lambda _row: why, "parts")


def _by_time(facts: Sequence[DeviceFact], now: int) -> dict[int, list[DeviceFact]]:
    """Return devices by since when they are known."""
    found: dict[int, list[DeviceFact]] = {}
    for each in facts:
        found.setdefault(min(now, now if each.registered is None else each.registered), []).append(each)
    return found


def _print(ledger: Ledger, reports: Mapping[ListKind, ListReport], say: Say, *, resumed: bool) -> None:
    """Print what became of each list and each part."""
    if resumed:
        say("Went on where the import was broken off before.")
    for kind, report in reports.items():
        say(f"{kind}: " + ", ".join(f"{count} {verdict}" for verdict, count in report.counts.items()))
    for part, counts in ledger.parts.items():
        made = f"{counts.new:,} new, {counts.known:,} there already"
        say(f"{part}: {counts.read:,} rows read, {counts.taken:,} taken ({made}), {counts.refused:,} refused")
        for reason, count in counts.reasons.most_common():
            say(f"  refused, {reason}: {count:,}")
        for what, count in counts.dropped.most_common():
            say(f"  value left out, {what}: {count:,}")
        for one in counts.shown:
            what = "" if one.what == "row" else f" {one.what}"
            say(f"    {one.file}:{one.line}:{what} {one.reason}: {one.detail}")


def _print_beside(work: _Work, settings: Settings, say: Say, *, take: bool) -> None:
    """Print what there is to know beside the counts."""
    if work.unread:
        say(f"Columns of telemetry that the map does not read: {', '.join(work.unread)}")
    days = settings.store.retention_days
    if work.oldest is not None and work.oldest < SystemClock().now_ms() - days * DAY_MS:
        say(
            f"Some readings are older than {days} days (store.retention_days): a running installation keeps "
            "their hourly tiles, from which models learn, and deletes the readings."
        )
    if not take:
        say("Nothing was written; with --yes it is taken in.")
