"""The bulk decoder: flat telemetry is parsed and checked by columns; all else goes to the LineDecoder.

Both give the same answers (tests/unit/test_ingest_differential.py). docs/wire.md, "Made for bulk", has the
traps.
"""

from collections import defaultdict
from collections.abc import Callable, Sequence
from functools import lru_cache
from itertools import compress, count

import numpy as np
import polars as pl

from fleet.clock import MINUTE_MS
from fleet.readings import batch_schema, completed
from fleet.signals import Kind, SignalTable
from fleet.wire import MAX_PAYLOAD_BYTES, Reason, Topic, parse_topic
from ingest.decode.bulk_columns import RARE, Checked, ColumnDrops, ColumnParser, Mask, Times
from ingest.decode.bulk_screen import TypeCheck, doubtful, look
from ingest.decode.decoded import Columns, Decoded
from ingest.decode.lines import ACCEPTED, LineDecoder
from ingest.decode.settled import ONE_BY_ONE, Place, SettledTopics
from ingest.messages import Message, MessageBlock
from ingest.watch.roster import Roster

_FEW = 100
"""Fewer messages are quicker one by one: a bulk parse begins at about half a millisecond."""
_TOPICS_REMEMBERED = 131_072
_SUSPECT_MS = 10 * MINUTE_MS
_MOST_SUSPECTS = 10_000
_KINDS = tuple(Kind)


class BulkDecoder:
    """A Decoder for many messages at once.

    Of a device whose payload could not be parsed with the others', or made the parser refuse the whole batch,
    each message is taken by itself for ten minutes, so that the others' are parsed together. `few` is how
    many messages are not worth it.
    """

    def __init__(self, signals: SignalTable, roster: Roster, retention_ms: int, few: int = _FEW) -> None:
        self._signals = signals
        self._roster = roster
        self._retention = retention_ms
        self._few = few
        self._lines = LineDecoder(signals, roster, retention_ms)
        self._topic = lru_cache(_TOPICS_REMEMBERED)(parse_topic)
        self._parsers = {kind: ColumnParser(signals, kind) for kind in Kind}
        self._types = {kind: TypeCheck(signals, kind) for kind in Kind}
        self._schemas = {kind: batch_schema(signals, kind) for kind in Kind}
        self._suspects: dict[str, int] = {}
        self._settled = SettledTopics(roster)
        self.one_by_one = 0
        """How many messages of large batches went through the LineDecoder."""

    def decode(self, messages: Sequence[Message]) -> Decoded:
        """Return what the messages say, in their order; see Decoder.decode."""
        if len(messages) < self._few:
            return self._lines.decode(messages)
        block = MessageBlock.of(messages)
        batch = _Batch(block, self._topic, self._roster, self._suspects, self._settled)
        found: dict[Kind, Columns] = {}
        dropped: list[tuple[ColumnDrops, Times]] = []
        for number, kind in enumerate(_KINDS):
            chosen = np.flatnonzero(batch.kinds == number)
            if len(chosen) >= self._few:
                columns, drops = self._take_kind(kind, chosen, batch)
                dropped += drops
                if columns is not None:
                    found[kind] = columns
        taken = np.zeros(len(messages), dtype=bool)
        for columns in found.values():
            taken[columns.at] = True
        out = self._take_rest(block, taken)
        out.columns = found
        for found_in, at in dropped:
            devices, _ = batch.placed(at)
            received = pl.Series(batch.received[at])
            out.drops.add_column(found_in.signal, found_in.reason, devices, found_in.values, received)
        bulk = int(np.count_nonzero(taken))
        if bulk:
            out.counts.received += bulk
            out.counts.messages["telemetry", ACCEPTED] += bulk
        return out

    def _take_rest(self, messages: MessageBlock, taken: Mask) -> Decoded:
        """Decode what is not taken one by one; say for each row which message it came from."""
        out = Decoded()
        left = np.flatnonzero(~taken).tolist()
        self.one_by_one += len(left)
        for at, message in zip(left, messages.chosen(left), strict=True):
            self._lines.take(message, out)
            for kind, rows in out.rows.items():
                places = out.rows_at.setdefault(kind, [])
                places.extend([at] * (len(rows) - len(places)))
        return out

    def _take_kind(
        self, kind: Kind, chosen: Times, batch: "_Batch"
    ) -> tuple[Columns | None, list[tuple[ColumnDrops, Times]]]:
        """Parse and check the messages `chosen`; return the columns of those that need no closer look.

        What was dropped of these comes with the places of its messages.
        """
        parsed = self._parse(kind, chosen, batch)
        if parsed is None:
            return None, []
        frame, chosen, lines = parsed
        checked = self._parsers[kind].check(frame, lines, batch.received[chosen], self._retention)
        if not checked.kept.any():
            return None, []
        at = chosen[checked.kept]
        dropped = [(drops, chosen[drops.rows]) for drops in checked.dropped]
        return Columns(self._assemble(kind, checked, at, batch), at), dropped

    def _parse(
        self, kind: Kind, chosen: Times, batch: "_Batch"
    ) -> tuple[pl.DataFrame, Times, Sequence[bytes]] | None:
        lines = batch.payloads_of(chosen)
        if max(map(len, lines)) > MAX_PAYLOAD_BYTES:  # not even looked through: they may be most of the bytes
            small = np.fromiter(map(len, lines), dtype=np.int64, count=len(lines)) <= MAX_PAYLOAD_BYTES
            self._suspect_few(chosen[~small], len(lines), batch)
            chosen, lines = chosen[small], list(compress(lines, small))
        joined = b"\n".join(lines)
        seen = look(len(lines), joined)
        if not seen.plain:
            fine = ~doubtful(lines, joined)
            self._suspect_few(chosen[~fine], len(lines), batch)
            chosen, lines = chosen[fine], list(compress(lines, fine))
            joined = b"\n".join(lines)
            seen = look(len(lines), joined)
        if len(lines) < self._few:
            return None
        try:
            frame, odd = self._parsers[kind].parse(joined, len(lines), seen.colons)
        except pl.exceptions.ComputeError:
            return self._parse_without_culprits(kind, chosen, lines, batch)
        if odd is not None:
            self._suspect(chosen[odd], batch)
            chosen, lines = chosen[~odd], list(compress(lines, ~odd))
        return frame, chosen, lines

    def _parse_without_culprits(
        self, kind: Kind, chosen: Times, lines: Sequence[bytes], batch: "_Batch"
    ) -> tuple[pl.DataFrame, Times, Sequence[bytes]] | None:
        """Parse what is sound after a refusal of the whole; remember whose payloads were not."""
        found = self._parsers[kind].salvage(lines, self._types[kind].fits)
        self._suspect(chosen[found.culprits], batch)
        if found.frame.height < self._few:
            return None
        return found.frame, chosen[found.sound], list(compress(lines, found.sound))

    def _suspect_few(self, odd: Times, lines: int, batch: "_Batch") -> None:
        """Suspect the senders of what is odd, where they are so few that all others gain by it.

        To look for odd lines takes as long as to parse them all. A site that comes back with its backlogs in
        arrays is not suspected: of many devices, what follows is better parsed together.
        """
        if len(odd) * RARE <= lines:
            self._suspect(odd, batch)

    def _suspect(self, culprits: Times, batch: "_Batch") -> None:
        for at in culprits.tolist():
            topic = self._topic(batch.topics[at])
            if isinstance(topic, Topic):
                if len(self._suspects) >= _MOST_SUSPECTS:
                    self._suspects.pop(next(iter(self._suspects)))
                self._suspects[topic.device_id] = int(batch.received[at]) + _SUSPECT_MS
                self._settled.forget(batch.topics[at])

    def _assemble(self, kind: Kind, checked: Checked, at: Times, batch: "_Batch") -> pl.DataFrame:
        """Return the batch's frame: keys and checked signals, those that nobody sent null."""
        rows = len(at)
        devices, sites = batch.placed(at)
        columns = checked.columns | {
            "device_id": devices,
            "site": sites,
            "received": pl.Series("received", batch.received[at]),
        }
        return completed(columns, self._schemas[kind], rows)


class _Batch:
    """The messages of one call by fields, and for each where it may go: `kinds` has the index of its kind.

    Only telemetry of devices that are known to be where they say is not ONE_BY_ONE. Whoever is new or
    elsewhere must be admitted in the order of arrival, and so must all else that its device says.
    """

    def __init__(
        self,
        messages: MessageBlock,
        parse: Callable[[str], Topic | Reason | None],
        roster: Roster,
        suspects: dict[str, int],
        settled: SettledTopics,
    ) -> None:
        topics = messages.topics
        self.topics = topics
        self._payloads = messages.payloads
        self.received: Times = messages.received
        self._codes = settled.numbers(topics)
        self._places = settled.places
        odd = np.flatnonzero(self._codes == 0)
        if len(odd):
            first = len(self._places.kinds)
            following: defaultdict[str, int] = defaultdict(count(first).__next__)
            numbers = [following[topics[at]] for at in odd.tolist()]
            now = int(self.received[-1])
            found, refused = _place(list(following), parse, roster, suspects, settled, now)
            if any(kind != ONE_BY_ONE for kind, _, _ in found):  # else they may stay where nothing is in bulk
                self._codes[odd] = numbers
                self._places = self._places.followed_by(found)
            # Who also speaks from a wrong place is judged in the order of arrival, from the right one too.
            right = settled.numbers([topic for topic in map(roster.topic_of, refused) if topic is not None])
            self._places.kinds[right[right < first]] = ONE_BY_ONE
        self.kinds = self._places.kinds[self._codes]
        self.kinds[messages.retain] = ONE_BY_ONE  # a retained copy tells nothing of when its device was heard

    def payloads_of(self, chosen: Times) -> Sequence[bytes]:
        """Return the payloads of some messages."""
        if len(chosen) == len(self._payloads):
            return self._payloads
        return [self._payloads[at] for at in chosen.tolist()]

    def placed(self, at: Times) -> tuple[pl.Series, pl.Series]:
        """Return the device ids and the sites of some messages."""
        codes = self._codes[at]
        return self._places.devices.gather(codes), self._places.sites.gather(codes)


def _place(
    topics: Sequence[str],
    parse: Callable[[str], Topic | Reason | None],
    roster: Roster,
    suspects: dict[str, int],
    settled: SettledTopics,
    now: int,
) -> tuple[list[Place], set[str]]:
    """Return the places of topics that are not settled, and which devices must be looked at one by one."""
    placed: list[Place] = []
    unsettled: dict[str, list[Topic]] = {}
    for name in topics:
        topic = parse(name)
        if not isinstance(topic, Topic):
            placed.append((ONE_BY_ONE, "", ""))
            continue
        in_bulk = topic.channel == "telemetry" and suspects.get(topic.device_id, 0) <= now
        kind = _KINDS.index(topic.kind) if in_bulk else ONE_BY_ONE
        placed.append((kind, topic.device_id, topic.site))
        if not roster.is_settled(topic):
            unsettled.setdefault(topic.device_id, []).append(topic)
    known = {device for device in unsettled if roster.kind_of(device) is not None}
    roster.look_ahead(unsettled.keys() - known, now)
    refused = {
        device for device, said in unsettled.items() if device in known or not _admitted(said, roster, now)
    }
    for number, (_, device, site) in enumerate(placed):
        if device in refused:
            placed[number] = ONE_BY_ONE, device, site
    settled.add([(name, place) for name, place in zip(topics, placed, strict=True) if place[0] != ONE_BY_ONE])
    return placed, refused


def _admitted(topics: Sequence[Topic], roster: Roster, now: int) -> bool:
    """Admit a new device ahead of its messages, where all that it says comes from one place.

    Whoever is heard from two places at once is judged message by message instead.
    """
    first = topics[0]
    if any((topic.site, topic.kind) != (first.site, first.kind) for topic in topics):
        return False
    return roster.admit(first, now) is None
