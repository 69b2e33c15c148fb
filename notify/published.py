"""What of an event of the log programs at the broker are told: facts about devices and cases, nobody's own.

People are named nowhere, and what they wrote is left out; an alert of a wristband does not say of which: it
stands for who wears it.
"""

from typing import Any

from fleet.events import Event, Subject
from fleet.past_cases import is_brought_in
from fleet.personal import is_personal, is_personal_fault
from fleet.principals import PEOPLE, PrincipalKind
from fleet.wire import ROOT
from notify.cloudevents import cloud_event

_UNTOLD = frozenset(
    {Subject.PERSON, Subject.TOKEN, Subject.NOTICE, Subject.DESTINATION, Subject.DUTY, Subject.TASK}
)
"""What is of people and of where they are reached."""
_UNTOLD_OF_DEVICES = frozenset({"looked", "exported", "erased", "offered"})
"""Who looked at what a person's wristband tells, or has it; codes by which devices are claimed."""
_TOLD = frozenset(
    {
        *("device_id", "fault", "rule", "level", "opens_ticket", "alerts", "count", "occasion", "since"),
        *("kind", "model", "firmware", "version", "command", "origin", "solved_at", "ticket", "incident"),
    }
)
"""The keys of an event's data that are told; what is added to an event later is not, until it stands here."""
_NAMED = frozenset({PrincipalKind.RULE, PrincipalKind.MODEL, PrincipalKind.SCHEDULE})


PUBLISHED = frozenset(Subject) - _UNTOLD
"""The subjects of which programs at the broker may be told something."""


def is_published(event: Event) -> bool:
    """Tell whether programs at the broker are told of an event."""
    of_devices = event.subject is Subject.DEVICE and event.what in _UNTOLD_OF_DEVICES
    return event.subject not in _UNTOLD and not of_devices and not is_brought_in(event.principal)


def topic_of_event(event: Event) -> str:
    """Return where an event is published: by its subject and by what happened."""
    return f"{ROOT}/events/{event.subject}/{_level(event.what)}"


def as_cloud_event(event: Event) -> dict[str, Any]:
    """Return an event as a CloudEvent, JSON-ready; its id is that of the log, and the same each time."""
    hides_device = _is_of_a_person(event)
    known = {key: value for key, value in event.data.items() if key in _TOLD and _is_plain(value)}
    if hides_device:
        known.pop("device_id", None)
    told = {
        "subject": event.subject,
        "id": "" if hides_device and event.subject is Subject.DEVICE else event.subject_id,
        "what": event.what,
        "site": event.site,
        "before": event.before,
        "after": event.after,
        "by": {"kind": event.principal.kind},
        **known,
    }
    if event.principal.kind in _NAMED:
        told["by"]["id"] = event.principal.id
    if event.principal.kind not in PEOPLE:
        told["reason"] = event.reason
    return cloud_event(
        str(event.id),
        f"sweepwatch.{event.subject}.{_level(event.what)}",
        event.at,
        f"{event.subject}/{told['id']}".rstrip("/"),
        told,
        sequence=f"{event.id:020d}",
    )


def _is_of_a_person(event: Event) -> bool:
    kind = event.data.get("kind")
    return is_personal(kind) if kind else is_personal_fault(str(event.data.get("fault")))


def _is_plain(value: object) -> bool:
    if isinstance(value, list):
        return all(isinstance(each, str | int) for each in value)
    return value is None or isinstance(value, str | int | float | bool)


def _level(text: str) -> str:
    """Return a text as one level of a topic."""
    return "".join("_" if one in "/+#\0 " else one for one in text) or "_"
