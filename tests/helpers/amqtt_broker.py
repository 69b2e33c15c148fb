"""An amqtt broker in a thread with an event loop of its own."""

import asyncio
import socket
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from threading import Thread

from amqtt.broker import Broker

_CONFIG = {
    "plugins": {"amqtt.plugins.authentication.AnonymousAuthPlugin": {"allow_anonymous": True}},
}


def free_port() -> int:
    """Return a TCP port of 127.0.0.1 that nobody uses now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def running_amqtt() -> Iterator[tuple[int, int]]:
    """Run an amqtt broker; yield its TCP and its WebSocket port."""
    tcp, ws = free_port(), free_port()
    loop = asyncio.new_event_loop()
    thread = Thread(target=loop.run_forever, name="amqtt")
    thread.start()

    async def start() -> Broker:
        listeners = {
            "default": {"type": "tcp", "bind": f"127.0.0.1:{tcp}"},
            "ws": {"type": "ws", "bind": f"127.0.0.1:{ws}"},
        }
        broker = Broker({"listeners": listeners, **_CONFIG})
        await broker.start()
        return broker

    async def stop(broker: Broker) -> None:
        with suppress(asyncio.CancelledError):
            await broker.shutdown()
        rest = asyncio.all_tasks() - {asyncio.current_task()}
        for task in rest:
            task.cancel()
        await asyncio.gather(*rest, return_exceptions=True)

    try:
        broker = asyncio.run_coroutine_threadsafe(start(), loop).result(10)
        try:
            yield tcp, ws
        finally:
            asyncio.run_coroutine_threadsafe(stop(broker), loop).result(15)
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join(10)
        loop.close()
