"""Changes of the broker's book while it runs: mosquitto's `$CONTROL/dynamic-security/v1`."""

import json
import threading
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import paho.mqtt.client as mqtt
from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode

from access.devices.book import Entry, removal_is_idle
from fleet.broker_url import BrokerAddress
from fleet.errors import BrokerUnavailable

_TOPIC = "$CONTROL/dynamic-security/v1"
_ANSWERS = f"{_TOPIC}/response"
_TIMEOUT_S = 30.0
"""A book of 100,000 devices is written out for seconds with each change."""
_KEEPALIVE_S = 120
_AT_ONCE = 50
"""Commands in one message, at least: the broker does nothing else until it has carried out all of them."""


class BrokerControl:
    """One conversation with the plugin; from one thread. A context manager that connects and disconnects."""

    def __init__(self, address: BrokerAddress, ca: Path | None = None) -> None:
        self._address = address
        self._answers: list[Entry] = []
        self._ready = threading.Event()
        self._answered = threading.Event()
        self._refused: str | None = None
        client = mqtt.Client(CallbackAPIVersion.VERSION2, protocol=MQTTProtocolVersion.MQTTv5)
        if address.username is not None:
            client.username_pw_set(address.username, address.password)
        if address.tls:
            client.tls_set(ca_certs=None if ca is None else str(ca))
        client.on_connect, client.on_subscribe = self._on_connect, self._on_subscribe
        client.on_message = self._on_message
        self._client = client

    def __enter__(self) -> "BrokerControl":
        """Connect. Raises BrokerUnavailable where nobody answers, or does not let us change the book."""
        try:
            self._client.connect(self._address.host, self._address.port, _KEEPALIVE_S)
        except OSError as error:
            raise BrokerUnavailable(f"broker {self._address}: {error}") from error
        self._client.loop_start()
        if not self._ready.wait(_TIMEOUT_S) or self._refused is not None:
            self.__exit__()
            why = self._refused or "no answer"
            raise BrokerUnavailable(f"broker {self._address} does not let us change who may come in: {why}")
        return self

    def __exit__(self, *_: object) -> None:
        """Disconnect."""
        with suppress(ValueError):  # paho, of a connection that is gone
            self._client.disconnect()
        self._client.loop_stop()

    def carry_out(self, commands: Sequence[Entry]) -> None:
        """Carry commands out, in their order. Raises BrokerUnavailable that names the first that failed."""
        for at in range(0, len(commands), _AT_ONCE):
            for answer in self._ask(commands[at : at + _AT_ONCE]):
                if "error" in answer and not removal_is_idle(answer):
                    raise BrokerUnavailable(
                        f"broker {self._address}: {answer.get('command')}: {answer['error']}"
                    )

    def _ask(self, commands: Sequence[Entry]) -> list[Entry]:
        self._answered.clear()
        self._client.publish(_TOPIC, json.dumps({"commands": list(commands)}), qos=1)
        if not self._answered.wait(_TIMEOUT_S):
            raise BrokerUnavailable(f"broker {self._address}: its dynamic security plugin does not answer")
        return self._answers

    def _on_connect(
        self, client: mqtt.Client, _: Any, __: Any, code: ReasonCode, ___: Properties | None
    ) -> None:
        if code.is_failure:
            self._refused = str(code)
            self._ready.set()
            return
        client.subscribe(_ANSWERS, qos=1)

    def _on_subscribe(
        self, _: mqtt.Client, __: Any, ___: int, codes: list[ReasonCode], ____: Properties | None
    ) -> None:
        if any(code.is_failure for code in codes):
            self._refused = "this user may not"
        self._ready.set()

    def _on_message(self, _: mqtt.Client, __: Any, message: mqtt.MQTTMessage) -> None:
        try:
            found = json.loads(message.payload)["responses"]
        except (ValueError, KeyError, TypeError):
            return
        self._answers = [each for each in found if isinstance(each, dict)]
        self._answered.set()


def answers(address: BrokerAddress) -> bool:
    """Tell whether a broker runs there whose book we may change."""
    try:
        with BrokerControl(address):
            return True
    except BrokerUnavailable:
        return False
