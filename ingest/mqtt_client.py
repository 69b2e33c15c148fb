"""Makes the paho-mqtt client of one connection attempt, and ends it."""

import select
from typing import Any

import paho.mqtt.client as mqtt
from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties

from ingest.settings import IngestSettings

V5, V311 = MQTTProtocolVersion.MQTTv5, MQTTProtocolVersion.MQTTv311
_DISCONNECT_TRIES = 20
_DISCONNECT_WAIT_S = 0.05


def new_client(settings: IngestSettings, protocol: MQTTProtocolVersion) -> mqtt.Client:
    """Return a client that is told all but its callbacks; `reconnect()` opens the connection.

    Raises OSError when a TLS file cannot be read.
    """
    address = settings.broker
    client = mqtt.Client(
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
