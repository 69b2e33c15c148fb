"""Followers of the log of events that have done their work when a change returns: no thread, no waiting."""

from collections.abc import Sequence

from fleet.clock import Clock
from fleet.followers import Follower
from storage.records.database import DeskDatabase
from storage.records.followers import begin_following
from sweepwatch.run.followers import follow, is_concerned


def follow_at_once(desk: DeskDatabase, followers: Sequence[Follower], clock: Clock) -> None:
    """Let followers handle what is told right after each commit, what they tell themselves included."""
    busy = False

    def settle() -> None:
        nonlocal busy
        if busy:
            return
        busy = True
        try:
            while sum([follow(desk, each, clock)[0] for each in followers if is_concerned(desk, each)]):
                pass
        finally:
            busy = False

    for follower in followers:
        begin_following(desk, follower.name)
    settle()
    desk.when_told(settle)
