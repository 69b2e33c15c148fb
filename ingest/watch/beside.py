"""Notes what is published beside our topics (a misspelt channel, another version) and takes nothing of it."""

from collections.abc import Sequence

from ingest.messages import Message
from storage.records.topics_beside import KEPT_BYTES, MAX_TOPICS, TopicBeside, TopicsBeside

_LONGEST_TOPIC = 512


class BesideOurs:
    """What was heard since the last flush: each topic with its newest message. Used from one thread."""

    def __init__(self, stored: TopicsBeside) -> None:
        self._stored = stored
        self._found: dict[str, TopicBeside] = {}

    def note(self, messages: Sequence[Message]) -> None:
        """Take messages in the order of their arrival; of very many topics at once the first are kept."""
        for message in messages:
            topic = message.topic[:_LONGEST_TOPIC].replace("\0", "\\0")
            before = self._found.get(topic)
            if before is None and len(self._found) >= MAX_TOPICS:
                continue
            self._found[topic] = TopicBeside(
                topic,
                message.payload[:KEPT_BYTES],
                len(message.payload) > KEPT_BYTES,
                before.count + 1 if before else 1,
                before.first_seen if before else message.received,
                message.received,
            )

    def flush(self) -> None:
        """Store what was found. Raises StoreUnavailable; then it is stored with the next."""
        self._stored.add(self._found.values())
        self._found.clear()
