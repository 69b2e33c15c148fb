"""`sweepwatch desk followers`: how far each follower of the log of events is, and what it set aside."""

from rich.table import Table

from api.ticket_items import event_item
from fleet.clock import SystemClock, to_rfc3339
from fleet.followers import SetAside, Standing
from storage.records.followers import events_aside, standings
from sweepwatch.commands.installed import opened_desk
from sweepwatch.printing import Say, console, json_text
from sweepwatch.run.followers import trouble_of
from sweepwatch.settings.settings import Settings


def list_followers(settings: Settings, as_json: bool, say: Say) -> None:
    """Print how far each follower is and each event that it set aside, beside a running installation."""
    with opened_desk(settings) as desk, desk.transaction() as session:
        found, aside = standings(session), events_aside(session)
    now = SystemClock().now_ms()
    if as_json:
        items = [_item(each, now, [one for one in aside if one.follower == each.name]) for each in found]
        say(json_text(items))
        return
    table = Table("follower", "handled", "behind", "failures", "set aside", "trouble")
    for each in found:
        counts = each.handled, each.behind, each.failures, each.set_aside
        table.add_row(each.name, *map(str, counts), trouble_of(each, now) or "-")
    console().print(table)
    for one in aside:
        event = one.event
        what = f"event {event.id}, {event.subject} {event.subject_id} {event.what}"
        say(f"{one.follower}: {what}, set aside {to_rfc3339(one.at)}: {one.trouble}")


def _item(each: Standing, now: int, aside: list[SetAside]) -> dict[str, object]:
    return {
        "name": each.name,
        "handled": each.handled,
        "behind": each.behind,
        "failures": each.failures,
        "trouble": trouble_of(each, now),
        "set_aside": [
            {
                "event": event_item(one.event).model_dump(mode="json"),
                "at": to_rfc3339(one.at),
                "trouble": one.trouble,
            }
            for one in aside
        ],
    }
