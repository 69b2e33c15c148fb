"""What a device that sends rubbish in every batch costs the others: `python -m benchmarks.rubbish`.

Two ingesters take the same readings of good devices, commit by commit in turn; the batches of one of them
also hold what a misbehaving device sends. The measure is CPU (user + system) for each good message, from
decoding to the durable store; the median over the commits counts. Each kind of rubbish is measured by itself,
and all of them in turn. No broker: reading from the network is the same for both. Exits with 1 when any slows
the good ones by more than a fifth.
"""

import argparse
import json
import os
import random
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from benchmarks.harness.commits import CommitPath
from benchmarks.harness.publisher import payload
from fleet.clock import ManualClock, SystemClock
from fleet.signals import Kind
from fleet.wire import MAX_PAYLOAD_BYTES, topic_of
from ingest.messages import Message, MessageBlock

MOST_SLOWDOWN = 1.2
_SITE = "hall"
_BATCH_MS = 100
_WARM_UP = 3

Spoil = Callable[[int, int], bytes]
"""Returns a payload from the time (epoch ms) and a number that never comes twice."""


def _with(value: bytes) -> Spoil:
    return lambda ts, number: b'{"ts":%d,"seq":%d,"x_m":%b}' % (ts, number, value)


KINDS: dict[str, Spoil] = {
    "line_break": lambda ts, n: b'{"ts":%d,"x_m":1}\n{"ts":%d,"x_m":2}' % (ts, ts + n),
    "pretty": lambda ts, n: b'{\n "ts": %d,\n "x_m": %d\n}' % (ts + n, n % 100),
    "empty": lambda _, __: b"",
    "beyond_a_double": _with(b"1e400"),
    "nan": _with(b"NaN"),
    "bool_for_number": _with(b"true"),
    "text_for_number": _with(b'"5"'),
    "number_for_bool": lambda ts, n: b'{"ts":%d,"seq":%d,"worn":1,"sos":"yes"}' % (ts, n),
    "key_twice": lambda ts, n: b'{"ts":%d,"seq":%d,"x_m":true,"x_m":1}' % (ts, n),
    "nested_array": _with(b"[[1],[2,[3]]]"),
    "byte_order_mark": lambda ts, n: b'\xef\xbb\xbf{"ts":%d,"seq":%d,"x_m":1}' % (ts, n),
    "half_surrogate": lambda ts, n: b'{"ts":%d,"x_m":%d,"note":"\\ud800"}' % (ts, n % 100),
    "not_utf8": lambda ts, n: b'{"ts":%d,"x_m":%d,"note":"\xff"}' % (ts, n % 100),
    "no_json": lambda _, n: b"rubbish %d" % n,
    "unknown_text": lambda ts, n: b'{"ts":%d,"x_m":1,"state":"s%d","error_code":"%d e"}' % (ts + n, n, n),
    "wrong_time": lambda ts, n: b'{"ts":%d,"x_m":%d}' % (ts // 1000, n % 100),
    "huge": lambda ts, n: b'{"ts":%d,"seq":%d,"pad":"%b"}' % (ts, n, b"x" * MAX_PAYLOAD_BYTES),
    "bad_id": _with(b"1"),
}
_STRANGERS = "strangers"
"""Not one device but a new one with each message: measured beside the others, and held to nothing."""
TOGETHER = "all_in_turn"
GOOD_KIND = Kind.ROBOT


@dataclass(frozen=True)
class Plan:
    """Commits of `batch` messages of `devices` good devices, each with `rubbish` messages of another one."""

    commits: int
    batch: int
    devices: int
    rubbish: int


@dataclass(frozen=True)
class Cost:
    """Medians of CPU µs a good message, with a rubbish device among them and without."""

    rubbish: str
    without_us: float
    with_us: float
    slowdown: float
    worst_commit_us: float


class Fleet:
    """Makes the batches of the good devices and what the bad one sends among them."""

    def __init__(self, plan: Plan, clock: ManualClock) -> None:
        self._plan = plan
        self._clock = clock
        self._chance = random.Random(3)
        self._topics = [topic_of(_SITE, GOOD_KIND, f"G{n:05d}", "telemetry") for n in range(plan.devices)]
        self._sent = self._spoiled = 0

    def good(self) -> list[Message]:
        """Return the next batch of good readings."""
        self._clock.advance(_BATCH_MS)
        now = self._clock.now_ms()
        made = []
        for number in range(self._sent, self._sent + self._plan.batch):
            turn, device = divmod(number, self._plan.devices)
            body = payload(now + turn % 50, turn, self._chance)
            made.append(Message(self._topics[device], body, 1, False, 1, now))
        self._sent += len(made)
        return made

    def among(self, good: Sequence[Message], name: str) -> list[Message]:
        """Return the batch with rubbish strewn among it."""
        mixed = list(good)
        names = list(KINDS) if name == TOGETHER else [name]
        for _ in range(self._plan.rubbish):
            at = self._chance.randrange(len(mixed))
            mixed.insert(at, self._rubbish(names[self._spoiled % len(names)], name))
        return mixed

    def _rubbish(self, name: str, of: str) -> Message:
        self._spoiled += 1
        now = self._clock.now_ms()
        kind = Kind.WRISTBAND if name == "number_for_bool" else Kind.ROBOT
        device = f"bad-{of}-{kind}"
        if name == "bad_id":
            device = f"b d{self._spoiled}"
        elif name == _STRANGERS:
            device, name = f"bad-new-{self._spoiled}", "bool_for_number"
        body = KINDS[name](now, self._spoiled)
        return Message(topic_of(_SITE, kind, device, "telemetry"), body, 1, False, 1, now)


def cpu_us(path: CommitPath, messages: Sequence[Message], good: int) -> float:
    """Commit and return the CPU that this process used for each good message."""
    messages = MessageBlock.of(messages)  # as the connection hands them over
    begun = time.process_time()
    path.commit(messages)
    return (time.process_time() - begun) / good * 1e6


def measure(name: str, plan: Plan, fleet: Fleet, alone: CommitPath, beside: CommitPath) -> Cost:
    """Let both ingesters take commits in turn; return what one kind of rubbish costs."""
    clean: list[float] = []
    spoiled: list[float] = []
    for number in range(plan.commits):
        good = fleet.good()
        mixed = fleet.among(good, name)
        turns = [(clean, alone, good), (spoiled, beside, mixed)]
        for costs, path, messages in turns if number % 2 else reversed(turns):
            costs.append(cpu_us(path, messages, len(good)))
        for path in (alone, beside):
            path.take_summaries()
    without, with_ = statistics.median(clean), statistics.median(spoiled)
    return Cost(name, round(without, 2), round(with_, 2), round(with_ / without, 3), round(max(spoiled), 1))


def run(plan: Plan, names: Sequence[str], folder: Path) -> list[Cost]:
    """Measure each kind of rubbish after a few commits that nobody counts."""
    clock = ManualClock(SystemClock().now_ms())
    fleet = Fleet(plan, clock)
    costs = []
    with CommitPath(folder / "alone", clock) as alone, CommitPath(folder / "beside", clock) as beside:
        for _ in range(_WARM_UP):
            good = fleet.good()
            alone.commit(good)
            beside.commit(good)
        for name in names:
            cost = measure(name, plan, fleet, alone, beside)
            costs.append(cost)
            print(
                f"{name:16} {cost.without_us:6.2f} -> {cost.with_us:6.2f} µs a good message, "
                f"x {cost.slowdown:.3f}, worst commit {cost.worst_commit_us:.0f}, "
                f"load {os.getloadavg()[0]:.1f}",
                flush=True,
            )
    return costs


def main() -> int:
    """Measure, print, write JSON when asked to; return the exit code."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--commits", type=int, default=31, help="pairs of commits for each kind (31)")
    parser.add_argument("--batch", type=int, default=5_000, help="good messages a commit (5000)")
    parser.add_argument("--devices", type=int, default=1_000, help="good devices (1000)")
    parser.add_argument(
        "--rubbish", type=int, default=5, help="messages of the bad device a commit (5, as of each good one)"
    )
    parser.add_argument("--kinds", nargs="*", choices=[*KINDS, TOGETHER, _STRANGERS], help="only these")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures there")
    options = parser.parse_args()
    plan = Plan(options.commits, options.batch, options.devices, options.rubbish)
    with tempfile.TemporaryDirectory() as folder:
        costs = run(plan, options.kinds or [*KINDS, TOGETHER, _STRANGERS], Path(folder))
    held = [cost for cost in costs if cost.rubbish != _STRANGERS] or costs
    worst = max(held, key=lambda cost: cost.slowdown)
    figures = {
        **asdict(plan),
        "worst": worst.rubbish,
        "slowdown": worst.slowdown,
        "must": {"slowdown": MOST_SLOWDOWN},
        "load_average": os.getloadavg()[0],
        "kinds": [asdict(cost) for cost in costs],
    }
    if options.json:
        options.json.write_text(json.dumps(figures, indent=2) + "\n", encoding="utf-8")
    if worst.slowdown > MOST_SLOWDOWN:
        print(f"{worst.rubbish}: slowdown {worst.slowdown} is over {MOST_SLOWDOWN}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
