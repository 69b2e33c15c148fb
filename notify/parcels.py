"""What goes out together as one message, and under which key."""

from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha256

from fleet.outbox import Notice, NoticeState

SINGLY = 3
"""More than so many that wait for one destination go out as one digest."""
_GOES_AS = "goes as:"
"""Stands before the key of the message as which a notice was about to go out, in its reference."""


@dataclass(frozen=True, slots=True)
class Parcel:
    """What goes out as one message: one notice, or several as a digest of a key of its own."""

    notices: tuple[Notice, ...]
    key: str

    @property
    def ids(self) -> list[int]:
        """Return the ids of its notices."""
        return [each.id for each in self.notices]

    @property
    def reference(self) -> str:
        """Return what its notices hold while it is under way: a crash repeats it as it was."""
        return f"{_GOES_AS}{self.key}"


def parcels_of(mine: Sequence[Notice]) -> list[Parcel]:
    """Return what goes out together: what was held, and what is too much to come one by one.

    Each letter to a customer goes alone: it is about one thing that they may answer.
    """
    again: dict[str, list[Notice]] = {}
    held, singly, letters = [], [], []
    for each in mine:
        if each.letter is not None:
            letters.append(each)
        elif each.reference.startswith(_GOES_AS):
            again.setdefault(each.reference.removeprefix(_GOES_AS), []).append(each)
        elif each.state is NoticeState.HELD:
            held.append(each)
        else:
            singly.append(each)
    if len(singly) > SINGLY:
        held, singly = [*held, *singly], []
    parcels = [Parcel(tuple(notices), key) for key, notices in again.items()]
    parcels += [Parcel(tuple(held), _key_of(held))] if held else []
    return parcels + [Parcel((each,), each.key) for each in (*singly, *letters)]


def _key_of(notices: Sequence[Notice]) -> str:
    if len(notices) == 1:
        return notices[0].key
    return sha256("\n".join(each.key for each in notices).encode()).hexdigest()[:32]
