"""Whether what a mute is about is known here: a name that fits nothing is most often a slip of the pen."""

from collections.abc import Collection, Iterable, Mapping

from sqlalchemy.orm import Session

from api.services import ApiServices
from fleet.alerts import EXTERNAL_RULE, MODEL_RULE, RISK_RULE
from fleet.faults import FAULTS
from fleet.mutes import Matcher, fits
from fleet.text import near, quoted
from storage.records.fleet_names import device_known, fleet_names

_OWN_RULES = (EXTERNAL_RULE, MODEL_RULE, RISK_RULE)


def hints(services: ApiServices, session: Session, matcher: Matcher) -> list[str]:
    """Return a sentence for each part of a matcher that fits nothing that is known now: it may still come."""
    known: Mapping[str, Collection[str]] = fleet_names(session) | {
        "fault": FAULTS.keys(),
        "rule": {*services.rules, *_OWN_RULES},
    }
    found = []
    for name, wanted in matcher.given.items():
        if name in known and not _fits_any(wanted, known[name]):
            found.append(f"{name}: {quoted(wanted)} fits nothing known{near(wanted, known[name])}")
        elif name == "device" and not device_known(session, wanted):
            found.append(f"{name}: {quoted(wanted)} fits nothing known")
    return found


def _fits_any(wanted: str, known: Iterable[str]) -> bool:
    return any(fits(wanted, each) for each in known)
