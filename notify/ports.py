"""What notices need from the rest of the house, handed in by the composition root."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Protocol

from fleet.alerts import Alert
from fleet.letters import LetterKind
from fleet.notices import Channel, ChannelKind
from fleet.text import Language, Text
from fleet.zones import Zones

Channels = Mapping[ChannelKind, Channel]
"""The channels that are set up."""


class Pictures(Protocol):
    """Whoever draws the chart that explains an alert."""

    def __call__(self, alert: Alert, language: Language) -> bytes | None:
        """Return a PNG, None where there is nothing to draw."""
        ...


@dataclass(frozen=True)
class Said:
    """How what is told is put into words.

    `base_url` is the console's address, with a slash at its end. `language` is that of groups, and of people
    who named none. `explain` says what an alert's evidence shows, in sentences; `rules` what each rule says,
    `plans` what each plan of maintenance is called. `answer_by` makes the links by which customers answer
    letters about a ticket; such a function raises NotNeeded where nothing is to be asked any more.
    """

    base_url: str
    zones: Zones = field(default_factory=Zones)
    explain: Callable[[Mapping[str, object], Language], list[str]] = lambda _evidence, _language: []
    rules: Callable[[], Mapping[str, Text]] = dict
    picture: Pictures = lambda _alert, _language: None
    language: Language = "en"
    plans: Mapping[str, Text] = field(default_factory=dict)
    answer_by: Mapping[LetterKind, Callable[[int], str]] = field(default_factory=dict)
