"""The commands of `sweepwatch lists`, which may run beside an installation.

Whoever can read the data folder, or has the desk's address, is trusted with this.
"""

from dataclasses import asdict
from pathlib import Path

from desk.lists.lists import Lists
from fleet.clock import SystemClock
from fleet.errors import InvalidInput
from fleet.lists import ListedRow, ListKind, ListReport, Verdict
from fleet.text import quoted
from sweepwatch.commands.doors import whoever
from sweepwatch.commands.installed import opened_desk
from sweepwatch.printing import Say, json_text
from sweepwatch.settings.settings import Settings


def export_list(settings: Settings, kind: ListKind, file: Path | None, say: Say) -> None:
    """Write a list to a file, or print it. Raises InvalidInput where it cannot be written."""
    with opened_desk(settings) as desk:
        parts = Lists(desk, SystemClock()).export(kind)
        if file is None:
            say("".join(parts).removeprefix("\ufeff").rstrip("\r\n").replace("\r\n", "\n"))
            return
        try:
            with file.open("w", encoding="utf-8", newline="") as out:
                out.writelines(parts)
        except OSError as error:
            raise InvalidInput(f"{file}: {error.strerror}") from error
    say(f"{file} has the list of {kind}.")


def import_list(
    settings: Settings,
    kind: ListKind,
    file: Path,
    *,
    dry_run: bool,
    all_or_nothing: bool,
    as_json: bool,
    say: Say,
) -> int:
    """Take a list in, or look at it; print what becomes of rows, and return how many are refused."""
    try:
        content = file.read_bytes()
    except OSError as error:
        raise InvalidInput(f"{file}: {error.strerror}") from error
    with opened_desk(settings) as desk:
        lists = Lists(desk, SystemClock())
        if dry_run:
            report = lists.look(kind, content)
        else:
            report = lists.take(kind, content, whoever(), all_or_nothing=all_or_nothing)
    if as_json:
        say(json_text({**asdict(report), "counts": report.counts}))
    else:
        _print(report, dry_run, say)
    return report.counts[Verdict.REFUSED]


def _print(report: ListReport, dry_run: bool, say: Say) -> None:
    for row in report.rows:
        if row.verdict is not Verdict.UNCHANGED:
            say(f"line {row.line}: {quoted(row.key)[1:-1]} {row.verdict}{_why(row)}")
    counts = ", ".join(f"{count} {verdict}" for verdict, count in report.counts.items())
    mark = {"\t": "tabs"}.get(report.delimiter, quoted(report.delimiter))
    outcome = "taken" if report.taken else "would be" if dry_run else "nothing was taken"
    say(f"{report.kind} ({report.encoding}, {mark} between cells), {outcome}: {counts}.")


def _why(row: ListedRow) -> str:
    if row.refusals:
        return ": " + "; ".join(f"{one.column}: {one.reason}".removeprefix(": ") for one in row.refusals)
    return f": {', '.join(row.changed)}" if row.changed else ""
