"""Throws spoiled messages at the ingester, accounts for each: `python -m benchmarks.fuzz --messages 1000000`.

Real captures and made telemetry, mutated in bytes, JSON and topic, go through decoding, every dialect, the
quarantine and DuckDB, in commits of all sizes. Exits with 1 when a commit fails, when a message has no
outcome or a reading is unaccounted for (received = written + duplicate + quarantined, and what is written is
in the store, once), or when memory grows: more than 64 MB from the middle of the run to its end, of which
what DuckDB keeps of the file is a part.
"""

import argparse
import gc
import json
import os
import random
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path

from benchmarks.harness.commits import CommitPath, stored_in
from benchmarks.harness.mutations import DIALECTS, Sample, Spoiler, read_samples
from fleet.clock import ManualClock, SystemClock
from fleet.signals import STANDARD_SIGNALS
from ingest.dialects.config import parse_dialects
from ingest.ledger import LedgerSnapshot
from ingest.messages import Message

ROOT = Path(__file__).parents[1]
CAPTURES = ROOT.parent / "shared" / "data" / "mqtt-captures"
GOLDEN = ROOT / "tests" / "golden"
MOST_GROWTH_MB = 64.0
_SAMPLES_OF_MEMORY = 40
_LARGEST_COMMIT = 5_000
_COMMIT_MS = 250


@dataclass
class Outcome:
    """What came of a run; `wrong` says in a line each what does not hold."""

    messages: int
    accounted: int = 0
    seconds: float = 0.0
    received: int = 0
    written: int = 0
    duplicate: int = 0
    quarantined: int = 0
    by_reason: dict[str, int] = field(default_factory=dict)
    rss_mb: list[float] = field(default_factory=list)
    rss_growth_mb: float = 0.0
    wrong: list[str] = field(default_factory=list)


def rss_mb() -> float:
    """Return the memory that this process holds now."""
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 2**20


def real_samples() -> list[Sample]:
    """Return the messages of the golden folders, and of the captures where they are at hand."""
    files = [*sorted(GOLDEN.glob("*/input.jsonl")), *sorted(CAPTURES.glob("*.jsonl"))]
    return [sample for file in files for sample in read_samples(file)]


def commits(messages: int, spoiler: Spoiler, clock: ManualClock, seed: int) -> Iterator[list[Message]]:
    """Yield so many messages in commits of all sizes; some retained, some delivered again."""
    chance = random.Random(seed)
    before: list[Message] = []
    left = messages
    while left:
        size = min(left, int(_LARGEST_COMMIT ** max(chance.random(), chance.random())))
        clock.advance(_COMMIT_MS)
        now = clock.now_ms()
        made = []
        for number in range(size):
            if before and chance.random() < 0.02:
                made.append(chance.choice(before))
                continue
            topic, payload = spoiler.message(now)
            made.append(Message(topic, payload, 1, chance.random() < 0.02, number % 65_535 + 1, now))
        before = made
        left -= size
        yield made


def check(path: CommitPath, sent: int, outcome: Outcome) -> None:
    """Note what does not add up so far."""
    ledger = path.ledger()
    accounted = ledger.written + ledger.duplicate + ledger.quarantined
    if ledger.received != accounted:
        outcome.wrong.append(f"{sent} messages: {ledger.received} received, {accounted} accounted for")
    told = sum(ledger.messages.values())
    if told != sent:
        outcome.wrong.append(f"{sent} messages: {told} have an outcome")


def run(messages: int, seed: int, folder: Path, minutes: float) -> Outcome:
    """Commit so many messages, for so many minutes at the most; stop at the first thing that is wrong."""
    outcome = Outcome(messages)
    clock = ManualClock(SystemClock().now_ms())
    spoiler = Spoiler(real_samples(), seed)
    step = max(1, messages // _SAMPLES_OF_MEMORY)
    begun, sent = time.monotonic(), 0
    with CommitPath(folder, clock, parse_dialects(DIALECTS, STANDARD_SIGNALS)) as path:
        for batch in commits(messages, spoiler, clock, seed):
            try:
                path.commit(batch)
            except Exception as error:
                evidence = [repr(tuple(one))[:500] for one in batch[:20]]
                outcome.wrong.append(f"a commit of {len(batch)} failed: {error!r}; it began {evidence}")
                break
            sent += len(batch)
            check(path, sent, outcome)
            if sent // step > len(outcome.rss_mb):
                path.take_summaries()
                gc.collect()
                outcome.rss_mb.append(round(rss_mb(), 1))
                show(sent, messages, outcome, begun)
            if outcome.wrong:
                break
            if time.monotonic() - begun > minutes * 60:
                outcome.wrong.append(f"{sent} of {messages} messages in {minutes:g} minutes: it was stopped")
                break
        outcome.seconds = round(time.monotonic() - begun, 1)
        outcome.accounted = sent
        ledger = path.ledger()
    finish(ledger, stored_in(folder), outcome)
    return outcome


def show(sent: int, messages: int, outcome: Outcome, begun: float) -> None:
    """Say how far it is."""
    seconds = time.monotonic() - begun
    print(f"{sent} of {messages}, {seconds:.0f} s, {outcome.rss_mb[-1]:.0f} MB", flush=True)


def finish(ledger: LedgerSnapshot, store: tuple[int, int], outcome: Outcome) -> None:
    """Compare the ledger with the store, and the memory of the middle with that of the end."""
    outcome.received, outcome.written = ledger.received, ledger.written
    outcome.duplicate, outcome.quarantined = ledger.duplicate, ledger.quarantined
    outcome.by_reason = dict(ledger.quarantined_by_reason)
    stored, distinct = store
    if not stored == distinct == ledger.written:
        outcome.wrong.append(f"{ledger.written} written, {stored} stored, {distinct} of them distinct")
    if len(outcome.rss_mb) >= _SAMPLES_OF_MEMORY // 2:
        middle = outcome.rss_mb[len(outcome.rss_mb) // 2]
        outcome.rss_growth_mb = round(outcome.rss_mb[-1] - middle, 1)
        if outcome.rss_growth_mb > MOST_GROWTH_MB:
            outcome.wrong.append(f"memory grew by {outcome.rss_growth_mb} MB in the second half")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run, print, write JSON when asked to; return the exit code."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--messages", type=int, default=1_000_000, help="how many (1000000)")
    parser.add_argument("--seed", type=int, default=1, help="the same seed makes the same messages (1)")
    parser.add_argument("--minutes", type=float, default=120.0, help="give up after so many (120)")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures there")
    options = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory() as folder:
        outcome = run(options.messages, options.seed, Path(folder), options.minutes)
    figures = asdict(outcome) | {"seed": options.seed, "load_average": os.getloadavg()[0]}
    print(json.dumps(figures, indent=2))
    if options.json:
        options.json.write_text(json.dumps(figures, indent=2) + "\n", encoding="utf-8")
    return 1 if outcome.wrong else 0


if __name__ == "__main__":
    sys.exit(main())
