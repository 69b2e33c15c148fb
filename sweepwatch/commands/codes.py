"""`sweepwatch rules codes`: error codes that devices told and nobody has explained yet."""

from dataclasses import asdict

from rich.markup import escape
from rich.table import Table

from fleet.clock import to_rfc3339
from fleet.codes import load_codes
from fleet.faults import DEVICE_ERROR
from storage.records.alert_lists import told_codes
from sweepwatch.commands.installed import opened_desk
from sweepwatch.printing import Say, console, json_text
from sweepwatch.settings.settings import Settings


def list_unknown_codes(settings: Settings, as_json: bool, say: Say) -> None:
    """Print the codes by model, those of most devices first."""
    codes = load_codes(settings.alerts.codes)
    with opened_desk(settings) as desk, desk.transaction() as session:
        told = [each for each in told_codes(session, DEVICE_ERROR) if not codes.knows(each.model, each.code)]
    if as_json:
        say(json_text([asdict(each) | {"last": to_rfc3339(each.last)} for each in told]))
        return
    if not told:
        say("Every code that a device told is explained.")
        return
    table = Table("model", "code", "devices", "alerts", "last", "what the device wrote")
    for each in told:
        counts = str(each.devices), str(each.alerts)
        cells = (each.model, each.code, *counts, to_rfc3339(each.last), each.said)
        table.add_row(*map(escape, cells))
    console().print(table)
    say("A file of codes (alerts.codes in the settings) that says what they mean takes them off this list.")
