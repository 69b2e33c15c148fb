"""From how many heaps the threads of a process take memory."""

import ctypes
from contextlib import suppress

_ARENA_MAX = -8
"""M_ARENA_MAX of glibc's <malloc.h>."""
_HEAPS = 2
"""glibc makes up to eight a core, and what one thread freed in its own no other takes again: in a storm of
22,000 devices (`python -m benchmarks.storm`) that came to 160 MB."""


def share_heaps() -> None:
    """Let threads share heaps, where the C library is glibc; before there are any threads."""
    with suppress(OSError, AttributeError):  # another C library has no such switch, and needs none
        ctypes.CDLL(None).mallopt(_ARENA_MAX, _HEAPS)
