"""An amqtt broker in a thread with an event loop of its own."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Thread

from amqtt.broker import Broker
from helpers.running import free_port

from sweepwatch.run.embedded_broker import end_tasks, shut_down_amqtt

_CONFIG = {
    "plugins": {"amqtt.plugins.authentication.AnonymousAuthPlugin": {"allow_anonymous": True}},
}


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

    try:
        broker = asyncio.run_coroutine_threadsafe(start(), loop).result(10)
        try:
            yield tcp, ws
        finally:
            asyncio.run_coroutine_threadsafe(shut_down_amqtt(broker), loop).result(15)
    finally:
        asyncio.run_coroutine_threadsafe(end_tasks(), loop).result(15)
        loop.call_soon_threadsafe(loop.stop)
        thread.join(10)
        loop.close()
