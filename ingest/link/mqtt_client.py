"""Makes the paho-mqtt client of one connection attempt, and ends it.

paho keeps the connection; PUBLISH packets alone pass it by (docs/decisions/0008).
"""

import select
from collections.abc import Sequence
from typing import Any

import numpy as np
import paho.mqtt.client as mqtt
from paho.mqtt.enums import CallbackAPIVersion, MQTTErrorCode, MQTTProtocolVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties

from ingest.link.frames import FrameCutter, Frames, MalformedFrame
from ingest.settings import IngestSettings

V5, V311 = MQTTProtocolVersion.MQTTv5, MQTTProtocolVersion.MQTTv311
_DISCONNECT_TRIES = 20
_DISCONNECT_WAIT_S = 0.05
_CHUNK_BYTES = 262_144
_LEAST_BYTES = 4_096
_TURN_BYTES = 2 * 1024 * 1024
_PUBACK = 0x40
_PUBACK_BYTES = 4


class IngestClient(mqtt.Client):
    """A paho client that reads large chunks and cuts the PUBLISH packets of QoS 0 and 1 out itself.

    Every other packet reaches paho through `_sock_recv`, the one method of paho that is replaced: there it
    asks for bytes. What is below it (decryption, WebSocket frames) stays paho's.
    """

    _cutter: FrameCutter
    _for_paho: bytearray
    _end: OSError | None

    def begin(self) -> None:
        """Open the connection. Raises OSError."""
        self._cutter = FrameCutter(v5=self._protocol is V5)
        self._for_paho = bytearray()
        self._end = None
        self.reconnect()

    def read(self, room: int) -> Frames | None:
        """Read what has come, without waiting; return the PUBLISH packets after paho has taken the others.

        Stops at an eighth of `room` bytes: in memory a small message takes several times what it did before.

        Where the connection has ended, paho has closed the socket and called `on_disconnect` on return.
        """
        frames = None
        data = self._available(min(_TURN_BYTES, max(_LEAST_BYTES, room // 8)))
        if data:
            try:
                cut = self._cutter.feed(data)
            except MalformedFrame as error:
                self._end = ConnectionAbortedError(str(error))
            else:
                frames = cut.frames
                self._for_paho += cut.others
        while self._for_paho or self._end is not None:
            if self.loop_read() != MQTTErrorCode.MQTT_ERR_SUCCESS:
                break
        return frames

    def _available(self, most: int) -> bytes:
        """Return the bytes that have come, up to `most` of them."""
        chunks: list[bytes] = []
        taken = 0
        # TLS and WebSocket give record by record; a socket that gives less than asked for has no more now,
        # and to look again at once would chase the broker message by message.
        by_record = hasattr(self.socket(), "pending")
        while taken < most and self._end is None:
            asked = min(_CHUNK_BYTES, most - taken)
            chunk = self._next_chunk(asked)
            if chunk is None:
                break
            chunks.append(chunk)
            taken += len(chunk)
            if len(chunk) < asked and not by_record:
                break
        return chunks[0] if len(chunks) == 1 else b"".join(chunks)

    def _next_chunk(self, size: int) -> bytes | None:
        try:
            chunk = super()._sock_recv(size)
        except BlockingIOError:
            return None
        except OSError as error:
            self._end = error
            return None
        if not chunk:
            self._end = ConnectionResetError("the broker closed the connection")
            return None
        return chunk

    def _sock_recv(self, bufsize: int) -> bytes:
        """Give paho the bytes of its packets (paho calls this)."""
        if self._for_paho:
            taken = bytes(self._for_paho[:bufsize])
            del self._for_paho[:bufsize]
            return taken
        if self._end is not None:
            raise self._end
        raise BlockingIOError

    def acknowledge(self, mids: Sequence[int]) -> None:
        """Queue the PUBACKs of these packet ids behind what paho has to send: one write for all of them."""
        if mids:
            self._packet_queue(_PUBACK, pubacks(mids), mids[-1], 1)


def pubacks(mids: Sequence[int]) -> bytes:
    """Return the PUBACK packets of these packet ids, in their order; the same bytes in MQTT 3.1.1 and 5."""
    packets = np.empty((len(mids), _PUBACK_BYTES), dtype=np.uint8)
    packets[:, 0], packets[:, 1] = _PUBACK, 2
    packets[:, 2:] = np.array(mids, dtype=">u2").view(np.uint8).reshape(-1, 2)
    return packets.tobytes()


def new_client(
    settings: IngestSettings, protocol: MQTTProtocolVersion, will: tuple[str, bytes] | None = None
) -> IngestClient:
    """Return a client that is told all but its callbacks; `begin()` opens the connection.

    `will` is a topic and what the broker publishes there, retained, when the connection is lost.

    Raises OSError when a TLS file cannot be read.
    """
    address = settings.broker
    client = IngestClient(
        CallbackAPIVersion.VERSION2,
        client_id=settings.client_id,
        clean_session=False if protocol is V311 else None,
        protocol=protocol,
        transport="websockets" if address.websocket else "tcp",
        reconnect_on_failure=False,
        manual_ack=True,
    )
    if address.websocket:
        client.ws_set_options(path=address.path)
    if will is not None:
        client.will_set(*will, qos=1, retain=True)
    if address.username is not None:
        client.username_pw_set(address.username, address.password)
    if address.tls:
        client.tls_set(
            ca_certs=_path(settings.tls_ca),
            certfile=_path(settings.tls_cert),
            keyfile=_path(settings.tls_key),
        )
    # With this set paho queues what it has to send, and writes it when we say so: one thread writes.
    client.on_socket_register_write = _queue_only
    where = (address.host, address.port, settings.keepalive_s)
    if protocol is V5:
        client.connect_async(*where, clean_start=False, properties=_session(settings))
    else:
        client.connect_async(*where)
    return client


def _path(path: object) -> str | None:
    return None if path is None else str(path)


def _session(settings: IngestSettings) -> Properties:
    properties = Properties(PacketTypes.CONNECT)  # type: ignore[no-untyped-call]  # paho leaves it untyped
    properties.SessionExpiryInterval = settings.session_expiry_s
    properties.ReceiveMaximum = settings.receive_maximum
    properties.TopicAliasMaximum = 0  # the frame cutter knows of no aliases
    properties.MaximumPacketSize = settings.buffer_bytes  # more would break the bound on our memory
    return properties


def _queue_only(_: mqtt.Client, __: Any, ___: Any) -> None:
    """Let paho queue packets; the loop asks `want_write`."""


def disconnect(client: mqtt.Client) -> None:
    """Write what is queued, then DISCONNECT; the session stays."""
    client.disconnect()
    for _ in range(_DISCONNECT_TRIES):
        sock = client.socket()
        if sock is None or not client.want_write():
            return
        select.select([], [sock], [], _DISCONNECT_WAIT_S)
        client.loop_write()


def close(client: mqtt.Client) -> None:
    """Close the socket at once, without a word to the broker: the session stays."""
    sock = client.socket()
    if sock is not None:
        sock.close()
