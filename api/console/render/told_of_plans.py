"""What is wrong with a plan of duty, as its page says it: on which line, where, and what."""

import re
from dataclasses import dataclass

from api.console.render.told import in_chinese, sentences
from api.console.render.told_of_duty import OF_PLANS
from api.console.render.told_of_files import OF_FILES
from fleet.text import Language

_KNOWN = sentences((*OF_FILES, *OF_PLANS))
_MISTAKE = re.compile(r"plan(?::(\d+))?: (?:((?:schedules|chains)[\w.-]*): )?(.+)", re.DOTALL)


@dataclass(frozen=True, slots=True)
class PlanMistakeTold:
    """A mistake in Chinese: on which line, at which key, and what is wrong (None: only English says it)."""

    line: str
    key: str
    why: str | None


def plan_mistake_told(text: str, language: Language) -> PlanMistakeTold | None:
    """Return where in a plan a mistake is and what is wrong, in Chinese; None on an English page."""
    found = None if language == "en" else _MISTAKE.fullmatch(text)
    if found is None:
        return None
    line, key, why = found.groups()
    return PlanMistakeTold(line or "", key or "", in_chinese(why, _KNOWN))
