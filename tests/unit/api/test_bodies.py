"""A body that is too long or too slow is not read on: what is left of it is never taken."""

import asyncio

import pytest
from starlette.types import Message, Receive, Scope, Send

from api.body_limit import BodyLimit


class Sender:
    """Sends parts of a body for ever, some after a pause, and counts what was taken."""

    def __init__(self, part: bytes, pause_s: float = 0.0) -> None:
        self.part, self.pause_s, self.taken = part, pause_s, 0
        self.answers: list[Message] = []

    async def receive(self) -> Message:
        await asyncio.sleep(self.pause_s)
        self.taken += len(self.part)
        return {"type": "http.request", "body": self.part, "more_body": True}

    async def send(self, message: Message) -> None:
        self.answers.append(message)


async def reads_all(scope: Scope, receive: Receive, send: Send) -> None:
    while (await receive()).get("more_body"):
        pass
    raise AssertionError("a body without an end has ended")


@pytest.mark.parametrize("headers", [[], [(b"content-length", b"1000")], [(b"content-length", b"x")]])
def test_it_ends_at_the_first_byte_too_many_however_announced(headers: list[tuple[bytes, bytes]]) -> None:
    sender, seen = Sender(b"x" * 100), 0

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        nonlocal seen
        while True:
            seen += len((await receive())["body"])

    scope: Scope = {"type": "http", "method": "POST", "path": "/", "headers": headers}
    asyncio.run(BodyLimit(app, most=1000)(scope, sender.receive, sender.send))
    assert sender.answers[0]["status"] == 413
    assert seen == 1000, "the application is given no more than the limit"
    assert sender.taken < 17 * 2**20, "and what comes behind it is thrown away, and not for long"


def test_one_that_drips_is_ended() -> None:
    sender = Sender(b"x", pause_s=0.01)
    scope: Scope = {"type": "http", "method": "POST", "path": "/", "headers": []}
    limit = BodyLimit(reads_all, most=10**6, within_s=0.05)
    asyncio.run(asyncio.wait_for(limit(scope, sender.receive, sender.send), 5))
    assert sender.answers[0]["status"] == 408
    assert (b"connection", b"close") in sender.answers[0]["headers"]


def test_waiting_for_the_end_of_a_stream_is_no_slow_body() -> None:
    messages = iter([{"type": "http.request", "body": b"", "more_body": False}, {"type": "http.disconnect"}])
    seen: list[str] = []

    async def receive() -> Message:
        await asyncio.sleep(0.03 if seen else 0)
        return next(messages)

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        for _ in range(2):
            seen.append((await receive())["type"])

    scope: Scope = {"type": "http", "method": "GET", "path": "/", "headers": []}
    asyncio.run(BodyLimit(app, within_s=0.01)(scope, receive, Sender(b"").send))
    assert seen == ["http.request", "http.disconnect"]
