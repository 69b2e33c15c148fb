"""What lists and pages of firmware show."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby

from access.firmware.steps import allowed
from access.firmware.words import needs_in_words, verdict_in_words
from api.services import ApiServices
from fleet.events import Event, Subject
from fleet.grants import Sites
from fleet.rollouts import Rollout, StageCount, VersionCount
from fleet.text import Text
from storage.records.events import events_of
from storage.records.rollouts import count_stages, count_versions, rollout_of


@dataclass(frozen=True, slots=True)
class Shown:
    """A roll-out with all that is shown of it. `sees` has one text a stage, empty before the start."""

    rollout: Rollout
    counts: Sequence[StageCount]
    on: Sequence[VersionCount]
    events: Sequence[Event]
    verdict: Text
    sees: Sequence[Text]
    allowed: Sequence[str]


def versions_by_model(services: ApiServices, sites: Sites) -> dict[str, list[VersionCount]]:
    """Return what the devices at some sites run, by model."""
    with services.desk.transaction() as session:
        found = count_versions(session, sites)
    return {model: list(each) for model, each in groupby(found, key=lambda one: one.model)}


def find_rollout(services: ApiServices, rollout_id: int, sites: Sites) -> Shown:
    """Return one roll-out. Raises NotFound."""
    with services.desk.transaction() as session:
        rollout = rollout_of(session, rollout_id, sites)
        counts = {each.stage: each for each in count_stages(session, rollout_id)}
        on = count_versions(session, rollout.aim.sites, rollout.aim.model)
        events = events_of(session, Subject.ROLLOUT, str(rollout_id))
    stages = [counts.get(number, StageCount(number, 0, {})) for number in range(len(rollout.stages))]
    sees, total = [], 0
    for number, each in enumerate(stages):
        total += each.devices
        sees.append(needs_in_words(rollout.needs, number, total))
    return Shown(rollout, stages, on, events, verdict_in_words(rollout.evidence), sees, allowed(rollout))
