"""What the crew keeps in mind over restarts: one JSON file, written whole or not at all."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Self

from simulators.crew.customer import Mind, Owned, Post
from simulators.crew.dispatcher import Desk
from simulators.crew.engineer import AtWork


@dataclass(slots=True)
class Minds:
    """The minds of all; `generator` draws their chances, `mood` is how slow the roads of a day are."""

    engineers: dict[str, AtWork] = field(default_factory=dict)
    customers: dict[str, Mind] = field(default_factory=dict)
    desk: Desk = field(default_factory=Desk)
    officer: dict[str, int] = field(default_factory=dict)
    generator: dict[str, Any] = field(default_factory=dict)
    mood: float = 1.0
    mood_of: int = 0

    def save(self, path: Path) -> None:
        """Write them to a file."""
        fresh = path.with_name(path.name + ".new")
        fresh.write_text(json.dumps(asdict(self)), encoding="utf-8")
        fresh.replace(path)

    @classmethod
    def load(cls, path: Path) -> Self:
        """Return what `save` wrote, fresh minds where nothing was; what cannot be read is forgotten."""
        try:
            return cls._from(json.loads(path.read_text(encoding="utf-8")))
        except (OSError, ValueError, KeyError, TypeError):
            return cls()

    @classmethod
    def _from(cls, data: Mapping[str, Any]) -> Self:
        return cls(
            {
                name: AtWork(**each | {"place": tuple(each["place"])})
                for name, each in data["engineers"].items()
            },
            {name: _mind(each) for name, each in data["customers"].items()},
            Desk(**data["desk"]),
            data["officer"],
            data["generator"],
            data["mood"],
            data["mood_of"],
        )


def _mind(data: Mapping[str, Any]) -> Mind:
    return Mind(
        {name: Owned(**each) for name, each in data["robots"].items()},
        [Post(**each) for each in data["posts"]],
        list(data["calls"]),
    )
