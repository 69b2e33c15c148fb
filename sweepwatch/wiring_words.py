"""How notices and letters are put into words: what they ask of the other rooms."""

from collections.abc import Callable, Mapping
from functools import partial

from fleet.alerts import Alert
from fleet.errors import Conflict
from fleet.letters import LetterKind, NotNeeded
from fleet.principals import schedule
from fleet.risks import Driver
from fleet.text import Language
from models.scoring.explanation import sentence
from notify.ports import Said
from storage.records.devices import place_of
from sweepwatch.run.reach import address_of
from sweepwatch.wiring import Services

BY = schedule("letters")
_MOST_DRIVERS = 3


def said_of(services: Services) -> Said:
    """Return how notices are put into words."""

    def explained(evidence: Mapping[str, object], language: Language) -> list[str]:
        drivers = evidence.get("drivers")
        found = [Driver.from_dict(each) for each in drivers] if isinstance(drivers, list) else []
        return [sentence(driver, services.signals, language) for driver in found[:_MOST_DRIVERS]]

    return Said(
        address_of(services.settings.server),
        services.zones,
        explained,
        lambda: services.alerts.rule_texts,
        lambda alert, language: _picture(services, alert, language),
        plans={plan.id: plan.text for plan in services.work.maintenance.asked.plans},
        answer_by=_answers(services),
    )


def _answers(services: Services) -> Mapping[LetterKind, Callable[[int], str]]:
    """Return what makes the links by which customers answer; each replaces the one before it."""
    address = address_of(services.settings.server)
    made: dict[LetterKind, tuple[str, Callable[[int], str]]] = {
        LetterKind.CONSENT: ("c", services.work.consent.link_again),
        LetterKind.APPOINTMENT: ("a", services.dispatch.appointments.link_again),
        LetterKind.FEEDBACK: ("f", lambda ticket_id: services.closing.feedback.new_link(ticket_id, BY)),
    }

    def link(kind: LetterKind, ticket_id: int) -> str:
        path, secret_of = made[kind]
        try:
            return f"{address}{path}/{secret_of(ticket_id)}"
        except Conflict as error:
            raise NotNeeded(str(error)) from error

    return {kind: partial(link, kind) for kind in made}


def _picture(services: Services, alert: Alert, language: Language) -> bytes | None:
    from api.console.charts.pictures import course_picture

    with services.desk.look() as session:
        place = place_of(session, alert.device_id)
    zone = services.zones.of(place.site if place else None)
    return course_picture(alert.evidence, zone, language)
