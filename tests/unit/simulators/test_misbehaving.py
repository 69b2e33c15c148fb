"""The catalogue of bad messages agrees with the decoder about what becomes of each."""

import pytest

from fleet.signals import STANDARD_SIGNALS
from fleet.wire import DEFAULT_RETENTION_MS
from ingest.decode.lines import LineDecoder
from ingest.messages import Message
from ingest.watch.roster import Roster
from simulators.misbehaving import catalogue

NOW = 1_790_000_000_000
ALL = {message.name: message for message in catalogue(NOW)}


@pytest.mark.parametrize("name", ALL)
def test_a_bad_message_ends_as_its_entry_says(name: str) -> None:
    roster = Roster(lambda _ids: {}, open_registration=True)
    decoder = LineDecoder(STANDARD_SIGNALS, roster, DEFAULT_RETENTION_MS)
    first, message = ALL["good-at-first"], ALL[name]
    decoder.decode([Message(first.topic, first.payload, 1, False, 1, NOW)])
    decoded = decoder.decode([Message(message.topic, message.payload, 1, False, 2, NOW)])
    assert {evidence.reason for evidence in decoded.refused} == ({message.reason} - {None})
    assert set(decoded.counts.dropped) == ({message.dropped} - {None})
    assert decoded.counts.received == message.readings
