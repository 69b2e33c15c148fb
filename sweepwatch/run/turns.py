"""How long the threads of a process compute before others have their turn."""

import sys

_TURN_S = 0.0005
"""A tenth of Python's own. A commit of readings asks for many turns, and each thread that computes meanwhile
(followers, senders, pages) would keep it waiting for 5 ms at each: publish to alert took two to three times
as long where alerts were followed and told."""


def take_short_turns() -> None:
    """Let the threads of this process take turns more often."""
    sys.setswitchinterval(_TURN_S)
