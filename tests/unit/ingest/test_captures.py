"""Real messages, spoiled: both decoders say the same of them, and nothing of it stops the dialects."""

import json
import random
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from helpers.captures import capture
from helpers.ingesting import NOW, Bench

from benchmarks.fuzz import real_samples
from benchmarks.harness.mutations import DIALECTS, Spoiler
from fleet.errors import StoreRejected
from fleet.readings import batch_schema
from fleet.signals import STANDARD_SIGNALS, Kind
from fleet.wire import DEFAULT_RETENTION_MS, Reason
from ingest.decode.bulk import BulkDecoder
from ingest.decode.lines import LineDecoder
from ingest.dialects.config import parse_dialects
from ingest.dialects.decoder import with_dialects
from ingest.dialects.intake import Intake
from ingest.messages import Message
from ingest.watch.roster import Roster
from storage.records.gaps import Gaps

SECONDS_MS = 1_000


@dataclass
class Pair:
    """Two ingesters, store and desk and all: one decodes in bulk, one message by message."""

    bulk: Bench
    line: Bench

    def commit(self, messages: Sequence[Message]) -> None:
        for bench in (self.bulk, self.line):
            bench.commit(messages)


def speaking(bench: Bench, decoder: type[BulkDecoder] | type[LineDecoder]) -> Bench:
    """Let a bench decode so, with every dialect."""
    roster = Roster(bench.devices.placements, open_registration=True)
    own = decoder(STANDARD_SIGNALS, roster, DEFAULT_RETENTION_MS)
    if isinstance(own, BulkDecoder):
        own = BulkDecoder(STANDARD_SIGNALS, roster, DEFAULT_RETENTION_MS, few=5)
    intake = Intake(STANDARD_SIGNALS, roster, DEFAULT_RETENTION_MS)
    all_of_them = with_dialects(own, parse_dialects(DIALECTS, STANDARD_SIGNALS), intake)
    bench.parts = replace(bench.parts, decoder=all_of_them, roster=roster)
    return bench


@pytest.fixture
def pair(tmp_path: Path) -> Iterator[Pair]:
    folders = [tmp_path / name for name in ("bulk", "line")]
    for folder in folders:
        folder.mkdir()
    benches = [Bench(folder, StoreRejected) for folder in folders]
    yield Pair(speaking(benches[0], BulkDecoder), speaking(benches[1], LineDecoder))
    for bench in benches:
        bench.close()


def state(bench: Bench) -> dict[str, Any]:
    """Return all that is kept of what came: rows, evidence, ledger, gaps, names, devices."""
    rows = {}
    for kind in Kind:
        names = ["seq", "received", *(signal.name for signal in STANDARD_SIGNALS.for_kind(kind))]
        assert set(names) < set(batch_schema(STANDARD_SIGNALS, kind))
        for device in sorted(bench.store.newest(kind)):
            rows[device] = bench.store.history(kind, device, names, 0, 2**53, 10**6).rows()
    evidence = sorted(
        (one.topic, one.device_id or "", one.reason, one.detail, one.payload, one.count)
        for one in bench.quarantine.find(limit=10_000).items
    )
    return {
        "rows": rows,
        "evidence": evidence,
        "ledger": bench.ledger.snapshot(),
        "gaps": Gaps(bench.desk).find(None, 10_000),
        "devices": bench.devices.placements(),
    }


def repeats_a_key(payload: bytes) -> bool:
    """Tell whether some object has a key twice: either value may count, and so the decoders may differ."""
    found = False

    def look(pairs: list[tuple[str, Any]]) -> None:
        nonlocal found
        found = found or len(pairs) > len({name for name, _ in pairs})

    with suppress(ValueError, RecursionError):
        json.loads(payload, object_pairs_hook=look)
    return found


def in_commits(samples: Sequence[tuple[str, bytes]], chance: random.Random) -> Iterator[list[Message]]:
    """Cut messages into commits of any size; some are retained, some come twice."""
    cuts = sorted({0, len(samples), *(chance.randrange(len(samples)) for _ in range(12))})
    for number, (start, stop) in enumerate(pairwise(cuts)):
        at = NOW + number * SECONDS_MS
        made = [
            Message(topic, payload, 1, chance.random() < 0.03, 1, at)
            for topic, payload in samples[start:stop]
        ]
        yield [*made, *chance.sample(made, len(made) // 10)]


@pytest.mark.parametrize("seed", range(2))
def test_spoiled_real_messages_end_the_same_through_both_decoders(pair: Pair, seed: int) -> None:
    """Rows, quarantine with its reasons, ledger, values dropped, gaps, devices: all are the same."""
    spoiler = Spoiler(real_samples(), seed)
    made = [spoiler.message(NOW) for _ in range(600)]
    samples = [one for one in made if not repeats_a_key(one.payload)]
    for batch in in_commits(samples, random.Random(seed)):
        pair.commit(batch)
    assert state(pair.bulk) == state(pair.line)
    ledger = pair.bulk.ledger.snapshot()
    assert ledger.received == ledger.written + ledger.duplicate + ledger.quarantined
    assert min(ledger.written, ledger.quarantined, ledger.duplicate) > 10
    assert ledger.values_dropped


@pytest.mark.parametrize("name", ["valetudo", "vda5050", "sparkplug-b", "homie4"])
def test_a_real_payload_on_a_topic_of_ours_ends_the_same_through_both_decoders(pair: Pair, name: str) -> None:
    """What other makers publish is hostile as telemetry of ours: text, binary, large and nested JSON."""
    good = b'{"ts":%d,"seq":1,"battery_pct":50}' % NOW
    others = [
        (f"sweepwatch/v1/s1/robot/R{n % 7}/telemetry", one.payload) for n, one in enumerate(capture(name))
    ]
    among = [one for other in others for one in (other, ("sweepwatch/v1/s1/robot/GOOD/telemetry", good))]
    for batch in in_commits(among, random.Random(3)):
        pair.commit(batch)
    assert state(pair.bulk) == state(pair.line)
    assert pair.bulk.stored("GOOD") == [(NOW, 50.0)]


def test_sparkplug_text_that_is_not_utf8_is_refused_by_its_dialect(pair: Pair) -> None:
    """Protobuf hands such text over as bytes, on which the translator used to fail."""
    birth = next(one for one in capture("sparkplug-b") if "NBIRTH" in one.topic)
    spoiled = birth.payload.replace(b"bdSeq", b"bdSe\xff", 1)
    assert spoiled != birth.payload
    pair.commit([birth._replace(payload=spoiled, received=NOW)])
    assert pair.bulk.ledger.snapshot().quarantined_by_reason == {str(Reason.BAD_DIALECT): 1}


@pytest.mark.parametrize(
    "odd", [{"errors": 5}, {"errors": True}, {"operatingMode": []}, {"operatingMode": {}}]
)
def test_vda_5050_parts_of_a_wrong_type_cost_only_themselves(pair: Pair, odd: dict[str, Any]) -> None:
    """The translator used to fail on them, and the rest of the reading was lost to the quarantine."""
    told = next(one for one in capture("vda5050") if one.topic.endswith("/state"))
    payload = json.dumps(json.loads(told.payload) | odd).encode()
    pair.commit([told._replace(payload=payload, received=told.received)])
    ledger = pair.bulk.ledger.snapshot()
    assert (ledger.written, ledger.quarantined) == (1, 0)
