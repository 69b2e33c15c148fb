"""The Decoder of an installation that speaks dialects beside our own JSON."""

import logging
from collections.abc import Sequence

import numpy as np

from fleet.wire import ROOT, Reason
from ingest.decode.decoded import Columns, Decoded, Decoder
from ingest.dialects.intake import Intake
from ingest.dialects.ports import Dialect, Said
from ingest.dialects.routing import Router
from ingest.messages import Message, MessageBlock, Refusal

log = logging.getLogger(__name__)

_OURS = f"{ROOT}/"


class DialectDecoder:
    """Gives our own messages to `own` and every other to the dialect that it is for (routing.Router).

    What no dialect wants is left to `own`, which refuses it with its reason.
    """

    def __init__(self, own: Decoder, dialects: Sequence[Dialect], intake: Intake) -> None:
        self._own = own
        self._router = Router(dialects)
        self._intake = intake
        self._begun: Sequence[Message] | None = None
        self._ours: list[int] = []
        self._said: list[tuple[int, str, Said]] = []

    def decode(self, messages: Sequence[Message]) -> Decoded:
        """Return what the messages say; see Decoder.decode."""
        # Dialects remember what they were told (aliases, sequence): when the desk was away and the same
        # messages come again, they are not told twice.
        if messages is not self._begun:
            self._translate(messages)
            self._begun = messages
        if self._said:
            out = self._own.decode(MessageBlock.of(messages).chosen(self._ours))
            _restore_places(out, self._ours)
        else:
            out = self._own.decode(messages)
        for place, dialect, said in self._said:
            before = {kind: len(rows) for kind, rows in out.rows.items()}
            self._intake.take(dialect, messages[place], said, out)
            for kind, rows in out.rows.items():
                out.rows_at.setdefault(kind, []).extend([place] * (len(rows) - before.get(kind, 0)))
        self._begun, self._ours, self._said = None, [], []
        return out

    def _translate(self, messages: Sequence[Message]) -> None:
        self._ours, self._said = [], []
        for place, topic in enumerate(MessageBlock.of(messages).topics):
            if topic.startswith(_OURS) or not self._router.wants(topic):
                self._ours.append(place)
                continue
            dialect = self._router.dialect_of(messages[place])
            if dialect is not None:
                self._said.append((place, dialect.name, translate(dialect, messages[place])))
            else:
                self._ours.append(place)


def _restore_places(out: Decoded, places: Sequence[int]) -> None:
    """Count places of messages among all messages again, where a decoder saw a part of them."""
    among_all = np.asarray(places, dtype=np.int64)
    for kind, columns in out.columns.items():
        out.columns[kind] = Columns(columns.frame, among_all[columns.at])
    for kind, at in out.rows_at.items():
        out.rows_at[kind] = among_all[at].tolist()


def with_dialects(own: Decoder, dialects: Sequence[Dialect], intake: Intake) -> Decoder:
    """Return a decoder that also speaks these dialects; without any, `own` itself."""
    return DialectDecoder(own, dialects, intake) if dialects else own


def translate(dialect: Dialect, message: Message) -> Said:
    """Return what a message says; a fault of the translator costs that message alone, kept as evidence."""
    try:
        return dialect.translate(message)
    except Exception as error:
        detailed = log.isEnabledFor(logging.DEBUG)  # rubbish may come by the thousand
        log.warning(
            "dialect %s failed on a message on %s: %r",
            dialect.name,
            message.topic[:200],
            error,
            exc_info=detailed,
        )
        detail = f"dialect {dialect.name} failed on this message, by a fault of ours; the log says which"
        return Said(refusals=[(None, Refusal(Reason.DIALECT_FAILED, detail))])
