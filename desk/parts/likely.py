"""What a visit is likely to need beside what its case names: by what such cases were, and by risks."""

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass

from fleet.faults import FAULTS
from storage.ports import TelemetryStore
from storage.records.part_findings import Finding, Unnamed

ENOUGH = 0.95
"""Of what such cases needed so far so much is in the kit that is taken along."""
WORTH = 0.05
"""From such a risk on a part is taken along to a device that is visited anyway."""
_SHRINK = 5.0
"""So many findings of a symptom, or of a model, weigh as much as what is known without it."""


@dataclass(frozen=True, slots=True)
class LikelyParts:
    """Ranks parts by findings of confirmed repairs: of the same symptom and model first, then of all."""

    findings: Sequence[Finding]

    def kit(self, case: Unnamed) -> tuple[str, ...]:
        """Return the parts to have along for a case, the likeliest first; none before anything was found."""
        fleet = _counted(self.findings)
        if not fleet:
            return ()
        whole = sum(fleet.values())
        shares = {part: count / whole for part, count in fleet.items()}
        shares = _sharpened(shares, _counted(each for each in self.findings if each.model == case.model))
        shares = _sharpened(shares, _counted(each for each in self.findings if each.symptom == case.symptom))
        found, covered = [], 0.0
        for part in sorted(shares, key=lambda each: (-shares[each], each)):
            if covered >= ENOUGH:
                break
            found.append(part)
            covered += shares[part]
        return tuple(found)


def _counted(findings: Iterable[Finding]) -> Counter[str]:
    counts: Counter[str] = Counter()
    for each in findings:
        counts[each.part] += each.count
    return counts


def _sharpened(shares: Mapping[str, float], counts: Mapping[str, int]) -> dict[str, float]:
    """Return shares by what is known beside some counts, which are believed the more the more there are."""
    whole = sum(counts.values()) + _SHRINK
    return {part: (counts.get(part, 0) + _SHRINK * share) / whole for part, share in shares.items()}


class PartsAtRisk:
    """Tells by the newest risks which parts a device may need soon: who goes there has them along."""

    def __init__(self, store: TelemetryStore) -> None:
        self._store = store

    def __call__(self, devices: Collection[str]) -> dict[str, tuple[str, ...]]:
        """Return by device the parts of the faults whose risk is worth a piece in the van."""
        found = {}
        for device in sorted(devices):
            told = self._store.latest_risks(device)
            faults = [fault for fault, risk in told.select("fault", "risk").iter_rows() if risk >= WORTH]
            parts = (FAULTS[fault].part for fault in faults if fault in FAULTS)
            found[device] = tuple(dict.fromkeys(part for part in parts if part is not None))
        return found
