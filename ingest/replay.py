"""Takes the quarantine through the decoder and the store again, after a rule or a mapping was mended."""

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

from fleet.wire import Reason
from ingest.commit import Commit, CommitParts
from ingest.messages import Message
from storage.records.quarantine import QuarantineItem
from storage.records.seen import SeenKey

_ROWS_AT_ONCE = 200


@dataclass(slots=True)
class ReplayReport:
    """What became of the rows of the quarantine.

    How many passed, how many were cut short and are no use, and how many fail still, by today's reason.
    """

    passed: int = 0
    truncated: int = 0
    failing: Counter[str] = field(default_factory=Counter)


def replay(
    parts: CommitParts,
    device: str | None = None,
    reason: str | None = None,
    cancelled: Callable[[], bool] = lambda: False,
) -> ReplayReport:
    """Store what passes now and take it out of the quarantine; the rest stays as it is.

    A message is judged as of when it was last received. Whatever ends this half-way, it may be done again:
    what was stored is a duplicate then. Raises StoreUnavailable or StoreRejected.
    """
    parts.roster.load(parts.devices.placements())
    parts.watch.load()
    report = ReplayReport()
    for items in _pages(parts, device, reason):
        if cancelled():
            break
        _replay_page(parts, items, report)
    parts.devices.record_summaries(parts.summaries.take())
    parts.watch.flush()
    return report


def _pages(parts: CommitParts, device: str | None, reason: str | None) -> Iterator[Sequence[QuarantineItem]]:
    after: SeenKey | None = None
    while True:
        page = parts.quarantine.find(device, reason, _ROWS_AT_ONCE, after)
        yield page.items
        after = page.after
        if after is None:
            return


def _replay_page(parts: CommitParts, items: Sequence[QuarantineItem], report: ReplayReport) -> None:
    passing: list[tuple[QuarantineItem, Message]] = []
    for item in reversed(items):  # the oldest first
        if item.truncated:
            report.truncated += 1
            continue
        message = message_of(item)
        decoded = parts.decoder.decode([message])
        if decoded.refused:
            report.failing[decoded.refused[0].reason] += 1
        elif decoded.beside:  # turned away by a version that kept such messages here
            report.failing[Reason.BAD_ID] += 1
        else:
            passing.append((item, message))
    if passing:
        Commit([message for _, message in passing], parts).run()
        parts.quarantine.remove([item for item, _ in passing])
        report.passed += len(passing)


def message_of(item: QuarantineItem) -> Message:
    """Return a quarantined message or reading as the message it was, as far as its judgement goes.

    A reading that had no usable `ts` may have been an array's element, which needs one: it stays an element.
    """
    payload = item.payload
    if item.reason == Reason.BAD_TS:
        payload = b"[" + payload + b"]"
    retained = item.reason == Reason.RETAINED_WITHOUT_TS
    return Message(item.topic, payload, qos=1, retain=retained, mid=0, received=item.last_seen)
