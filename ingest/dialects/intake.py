"""What dialects say, checked as our own messages are: registration, times, types, ranges, the ledger."""

from fleet.signals import Kind, SignalTable
from fleet.wire import Topic
from ingest.decode.decoded import Decoded, Row
from ingest.decode.device_messages import undated_copy
from ingest.decode.payload import no_signal
from ingest.decode.times import check_ts
from ingest.decode.values import ValueChecks
from ingest.dialects.ports import About, Event, Reading, Said, Speaker
from ingest.messages import Message, Refusal
from ingest.watch.roster import Roster
from storage.records.devices import DeviceInfo, ReportedEvent
from storage.records.quarantine import Evidence

_LONGEST_TOPIC = 512
_LONGEST_TEXT = 64
_LONGEST_NAME = 128


class Intake:
    """Takes what a message says into a Decoded; `retention_ms` is how old a reading may be."""

    def __init__(self, signals: SignalTable, roster: Roster, retention_ms: int) -> None:
        self._roster = roster
        self._retention = retention_ms
        self._checks = {kind: ValueChecks(signals, kind) for kind in Kind}

    def take(self, dialect: str, message: Message, said: Said, out: Decoded) -> None:
        """Add what a message of `dialect` says; a reading that is refused hurts no other.

        Raises StoreUnavailable when the desk must be asked about a device and does not answer.
        """
        refused = list(said.refusals)
        for reading in said.readings:
            refusal = self._admit(reading.speaker, message, said, out)
            refusal = refusal or self._take_reading(message, reading, out)
            if refusal is not None:
                refused.append((reading.speaker, refusal))
        told, unheard = self._take_news(message, said, out)
        for speaker, refusal in unheard.items():
            if not any(speaker == other for other, _ in refused):
                refused.append((speaker, refusal))
                out.counts.received += 1
        out.counts.received += len(said.readings) + len(said.refusals)
        out.requests.extend(said.requests)
        for speaker, name in said.unknown:
            known_as = (speaker.kind, name[:_LONGEST_NAME])
            out.unknown.setdefault(known_as, (speaker.device_id, message.received))
        for told_by, why in refused:
            out.counts.quarantined[why.reason] += 1
            out.refused.append(_evidence(message, told_by, why))
        out.counts.messages[dialect, _outcome(len(said.readings) + told, len(refused))] += 1

    def _admit(self, speaker: Speaker, message: Message, said: Said, out: Decoded) -> Refusal | None:
        topic = Topic(speaker.site, speaker.kind, speaker.device_id, "telemetry")
        refusal = self._roster.admit(topic, message.received)
        if refusal is None and said.heard and not message.retain:
            out.news.seen[speaker.device_id] = message.received
        return refusal

    def _take_reading(self, message: Message, reading: Reading, out: Decoded) -> Refusal | None:
        speaker = reading.speaker
        ts: int | Refusal | None = None
        if reading.ts is not None:
            ts = check_ts(reading.ts, message.received, self._retention)
        elif message.retain and not reading.current:
            ts = undated_copy()
        if isinstance(ts, Refusal):
            return ts
        values, dropped = self._checks[speaker.kind].check(reading.values)
        if not values:
            return no_signal(speaker.kind, reading.values, (*reading.dropped, *dropped))
        if reading.dropped or dropped:
            out.drops.add(speaker.device_id, (*reading.dropped, *dropped), message.received)
        row: Row = {
            "device_id": speaker.device_id,
            "site": speaker.site,
            "ts": ts,
            "received": message.received,
            "seq": reading.seq,
            **values,
        }
        out.rows.setdefault(speaker.kind, []).append(row)
        return None

    def _take_news(self, message: Message, said: Said, out: Decoded) -> tuple[int, dict[Speaker, Refusal]]:
        """Add statuses, infos and events of admitted devices; return how many, and who was not admitted."""
        told, unheard = 0, dict[Speaker, Refusal]()
        news = out.news
        items: list[tuple[Speaker, str] | About | Event] = [*said.statuses, *said.about, *said.events]
        for item in items:
            speaker = item[0] if isinstance(item, tuple) else item.speaker
            refusal = self._admit(speaker, message, said, out)
            if refusal is not None:
                unheard[speaker] = refusal
                continue
            told += 1
            if isinstance(item, About):
                news.infos.append(_info(item))
            elif isinstance(item, Event):
                received = message.received
                news.events.append(
                    ReportedEvent(speaker.device_id, received, item.code, item.detail, received)
                )
            elif said.standing or not message.retain:
                news.tell(speaker.device_id, item[1], message.received)
        return told, unheard


def _outcome(taken: int, refused: int) -> str:
    if refused and refused >= taken:
        return "quarantined"
    return "accepted" if taken else "ignored"


def _info(about: About) -> DeviceInfo:
    return DeviceInfo(about.speaker.device_id, _text(about.model), _text(about.firmware), _text(about.serial))


def _text(value: str | None) -> str | None:
    return value if value and len(value) <= _LONGEST_TEXT and value.isprintable() else None


def _evidence(message: Message, speaker: Speaker | None, refusal: Refusal) -> Evidence:
    return Evidence(
        message.topic[:_LONGEST_TOPIC].replace("\0", "\\0"),
        speaker.device_id if speaker else None,
        str(refusal.reason),
        refusal.detail,
        message.payload,
        message.received,
    )
