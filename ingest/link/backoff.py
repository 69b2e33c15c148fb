"""How long to wait before the next attempt, so that many processes do not return all at once."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Backoff:
    """Doubling waits between `first_s` and `longest_s`, each shortened by a random part of up to a half."""

    first_s: float = 0.5
    longest_s: float = 30.0

    def delay_s(self, attempt: int, chance: float) -> float:
        """Return the seconds to wait after failed attempt number `attempt` (0 is the first).

        `chance` is a random number in [0, 1): the jitter.
        """
        # 2**attempt overflows a float at 1024; no wait needs more than 2**30 times the first.
        full = min(self.longest_s, self.first_s * 2.0 ** min(attempt, 30))
        return full * (1.0 - 0.5 * chance)
