"""Which of the parts that visits need no van has to carry yet: a depot put them aside, or still can."""

from collections import Counter
from collections.abc import Mapping
from datetime import date

from desk.dispatch.scene import Scene
from desk.dispatch.settings import DispatchSettings
from fleet.clock import MINUTE_MS
from fleet.localtime import day_of, ms_of


def brought(scene: Scene, day: date, settings: DispatchSettings) -> dict[int, frozenset[str]]:
    """Return by case the parts that whoever goes there takes along from a depot.

    What a depot put aside for a case is its own. Until vans are loaded for the day, what is free at the
    depots of its region is for whoever needs it: a piece for one case, those due first. So a plan may send
    anybody, and never more than there are pieces.
    """
    found = {number: set(_at_depots(scene, number)) for number in scene.cases}
    if _is_loaded_yet(scene, day, settings):
        return {number: frozenset(parts) for number, parts in found.items() if parts}
    left: dict[str, Counter[str]] = {region: Counter(parts) for region, parts in scene.depots.items()}
    order = sorted(scene.cases.values(), key=lambda case: (case.on_site_due or case.due or 0, case.id))
    for case in order:
        if not _is_of_the_day(scene, case.id, day):
            continue
        region = scene.facts[case.id].site.region
        own = scene.aside.get(case.id, {})
        for part, many in scene.facts[case.id].needs.parts.items():
            depots = (left[each] for each in (region, "") if each in left)
            source = next((each for each in depots if each[part] >= many), None)
            if part not in own and source is not None:
                source[part] -= many
                found[case.id].add(part)
    return {number: frozenset(parts) for number, parts in found.items() if parts}


def _at_depots(scene: Scene, number: int) -> Mapping[str, str]:
    vans = scene.stock or {}
    return {part: place for part, place in scene.aside.get(number, {}).items() if place not in vans}


def _is_loaded_yet(scene: Scene, day: date, settings: DispatchSettings) -> bool:
    """Tell whether nothing is loaded any more for a day, or never is."""
    if settings.loaded_by is None or scene.stock is None:
        return True
    return scene.now >= ms_of(day, settings.loaded_by, scene.zones[""]) - MINUTE_MS


def _is_of_the_day(scene: Scene, number: int, day: date) -> bool:
    """Tell whether a case may be planned on a day: nobody goes there yet, or somebody does on that day."""
    if number in scene.unplanned:
        return False
    assigned = scene.facts[number].assigned
    return not assigned or day_of(assigned[0].arrives, scene.zones[""]) == day
