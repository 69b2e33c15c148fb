"""Early failures: which models and firmwares fail more often in their first 90 days than is usual."""

from collections.abc import Iterable
from dataclasses import dataclass

from fleet.clock import DAY_MS

_SURE = 0.05


@dataclass(frozen=True, slots=True)
class EarlyFailures:
    """Of one model and firmware: `failures` in `device_days` of devices in their first 90 days.

    `rate` and `usual` are failures in 90 days of a device; `usual` is that of all devices of its kind at any
    age. `at_least` is the rate that is exceeded for certain (95 %, one-sided, Poisson), `early` tells whether
    that is above the usual rate.
    """

    kind: str
    model: str
    firmware: str
    failures: int
    device_days: float
    rate: float | None
    at_least: float | None
    usual: float | None

    @property
    def early(self) -> bool:
        """Whether they fail early for certain."""
        return self.at_least is not None and self.usual is not None and self.at_least > self.usual


def early_failures(
    young: Iterable[tuple[str, str, str, int, int]], usual: dict[str, tuple[int, int]]
) -> list[EarlyFailures]:
    """Return how often each model and firmware failed early, those that stand out first.

    `young` are `(kind, model, firmware, failures, device ms)` of the first 90 days, `usual` maps each kind to
    the failures and the device ms of all ages.
    """
    from scipy.special import gammaincinv

    found = []
    for kind, model, firmware, failures, device_ms in young:
        days = device_ms / DAY_MS
        all_failures, all_ms = usual.get(kind, (0, 0))
        per = 90 / days if days > 0 else None
        rate = None if per is None else failures * per
        bound = None if per is None else float(gammaincinv(failures, _SURE)) * per if failures else 0.0
        common = 90 * DAY_MS * all_failures / all_ms if all_ms > 0 else None
        found.append(EarlyFailures(kind, model, firmware, failures, days, rate, bound, common))
    return sorted(found, key=lambda each: (not each.early, -(each.rate or 0.0), each.model, each.firmware))
