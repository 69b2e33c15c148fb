"""Readings of one kind of device as columns, and how they become a batch."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl

from fleet.readings import KEY_COLUMNS, STATE_TYPE, ReadingBatch
from fleet.signals import Kind, SignalTable
from simulators.randomness import Bools, Floats, Ints
from simulators.roster import DeviceCard


@dataclass(frozen=True, slots=True)
class Columns:
    """Readings of one kind as columns of shape (steps, devices); NaN is absent."""

    numbers: dict[str, Floats]
    booleans: dict[str, Bools]
    texts: dict[str, tuple[Ints, np.ndarray]]
    """Codes, and the texts that they stand for (None for absent)."""
    lost: Bools


def to_batch(
    signals: SignalTable, kind: Kind, cards: Sequence[DeviceCard], columns: Columns, ts: Ints, seq: Ints
) -> ReadingBatch:
    """Return the readings that arrive, step by step; `ts` (epoch ms) and `seq` have the columns' shape.

    Signals that `signals` does not know are left out.
    """
    kept = np.flatnonzero(~columns.lost.ravel())
    device = kept % max(1, len(cards))
    moments = ts.ravel()[kept]
    made: dict[str, object] = {
        "device_id": pl.Series([card.id for card in cards], dtype=pl.String()).gather(device),
        "site": pl.Series([card.site for card in cards], dtype=pl.String()).gather(device),
        "ts": moments,
        "received": moments,
        "seq": seq.ravel()[kept],
    }
    for name, values in (*columns.numbers.items(), *columns.booleans.items()):
        made[name] = values.ravel()[kept]
    for name, (codes, texts) in columns.texts.items():
        made[name] = _texts(name, codes.ravel()[kept], texts)
    known = {signal.name for signal in signals.for_kind(kind)} | set(KEY_COLUMNS)
    known_columns = {name: column for name, column in made.items() if name in known}
    return ReadingBatch.from_columns(signals, kind, known_columns, len(kept))


def _texts(name: str, codes: Ints, texts: np.ndarray) -> pl.Series:
    # The last text stands for absent, and code -1 picks it.
    kind = STATE_TYPE if name == "state" else pl.String()
    return pl.Series(list(texts), dtype=kind).gather(codes % len(texts))
