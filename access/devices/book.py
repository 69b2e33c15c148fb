"""Who may do what at the broker, in the words of mosquitto's dynamic security plugin.

Each device is a client of the plugin with a role of its own name: it speaks on its own topics, hears its own
`cmd`, and nothing else. The plugin's defaults refuse everything.
"""

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from fleet.device_doors import BrokerUser, HashedPassword
from fleet.wire import CHANNELS, topic_of

Entry = dict[str, Any]
"""An object of the plugin's JSON."""
ADMIN = "sweepwatch-access"
"""Changes the book, and can do nothing else."""
SERVICE = "sweepwatch"
"""The ingester, and whoever sends commands: reads everything, writes commands, events, dialects' requests."""
SIMULATOR = "sweepwatch-simulator"
"""The simulated fleet: every device of it at once."""
RESERVED = "sweepwatch"
"""No device's name begins so: a device's client id is its name, and whoever has ours ends our session."""
_OPEN = "open"
_PUBLISH, _RECEIVE = "publishClientSend", "publishClientReceive"
_SUBSCRIBE, _PATTERN, _UNSUBSCRIBE = "subscribeLiteral", "subscribePattern", "unsubscribePattern"
_SERVICE_WRITES = (
    "sweepwatch/v1/+/+/+/cmd",
    "sweepwatch/v1/events/#",
    "spBv1.0/STATE/#",
    "spBv1.0/+/NCMD/#",
    "spBv1.0/+/DCMD/#",
)
DEFAULTS = {_PUBLISH: False, _RECEIVE: False, "subscribe": False, "unsubscribe": True}


@dataclass(frozen=True, slots=True)
class Service:
    """A program of ours at the broker."""

    name: str
    hashed: HashedPassword


def document(services: Iterable[Service], users: Iterable[BrokerUser], *, open_to_all: bool) -> bytes:
    """Return the plugin's file: these programs and devices, and nobody else.

    `open_to_all` lets in whoever shows nothing, as any device: for a broker on loopback alone.
    """
    clients = [_client(each.name, each.hashed, each.name) for each in services]
    rights = {ADMIN: _admin_rights(), SERVICE: _service_rights(), SIMULATOR: _open_rights()}
    roles = [_role(name, each) for name, each in rights.items()]
    for user in users:
        clients.append(device_client(user))
        roles.append(_role(user.device_id, device_rights(user)))
    whole: Entry = {"clients": clients, "roles": roles, "defaultACLAccess": DEFAULTS}
    if open_to_all:
        roles.append(_role(_OPEN, _open_rights()))
        whole["groups"] = [{"groupname": _OPEN, "roles": [{"rolename": _OPEN}]}]
        whole["anonymousGroup"] = _OPEN
    return json.dumps(whole, separators=(",", ":")).encode()


def device_client(user: BrokerUser) -> Entry:
    """Return a device as the plugin's file has it: it can only ever have its own client id."""
    return _client(user.device_id, user.hashed, user.device_id) | {"clientid": user.device_id}


def device_rights(user: BrokerUser) -> list[Entry]:
    """Return what a device may do: speak on its own topics, and hear what is said to it."""
    own = [topic_of(user.site, user.kind, user.device_id, channel) for channel in CHANNELS]
    told = topic_of(user.site, user.kind, user.device_id, "cmd")
    rights = [_may(_PUBLISH, topic) for topic in (*own, *user.topics)]
    rights += [_may(_SUBSCRIBE, told), _may(_RECEIVE, told)]
    for topic in user.topics:
        rights += [_may(_PATTERN, topic), _may(_RECEIVE, topic)]
    return rights


def admission(user: BrokerUser, password: str | None) -> list[Entry]:
    """Return the commands that let a device in anew; whoever was in under its name is out."""
    client: Entry = {"command": "createClient", "username": user.device_id, "clientid": user.device_id}
    if password is not None:
        client["password"] = password
    client["roles"] = [{"rolename": user.device_id}]
    role = {"command": "createRole", "rolename": user.device_id, "acls": device_rights(user)}
    return [*expulsion(user.device_id), role, client]


def readmission(user: BrokerUser) -> list[Entry]:
    """Return the commands that let a device speak elsewhere; it is cut off, and comes in again."""
    role = {"command": "modifyRole", "rolename": user.device_id, "acls": device_rights(user)}
    # Whoever is in keeps what it subscribed to: out for a moment, it begins anew.
    off, on = ({"command": f"{what}Client", "username": user.device_id} for what in ("disable", "enable"))
    return [off, role, on]


def expulsion(device_id: str) -> list[Entry]:
    """Return the commands that put a device out, and cut off whoever is in under its name."""
    return [
        {"command": "deleteClient", "username": device_id},
        {"command": "deleteRole", "rolename": device_id},
    ]


def removal_is_idle(answer: Entry) -> bool:
    """Tell whether an answer says no more than that there was nobody to put out."""
    nobody = {"deleteClient": "Client not found", "deleteRole": "Role not found"}
    return nobody.get(str(answer.get("command"))) == answer.get("error")


def _client(name: str, hashed: HashedPassword | None, role: str) -> Entry:
    client: Entry = {"username": name, "roles": [{"rolename": role}]}
    if hashed is not None:
        client |= {"password": hashed.key, "salt": hashed.salt, "iterations": hashed.iterations}
    return client


def _role(name: str, rights: Sequence[Entry]) -> Entry:
    return {"rolename": name, "acls": list(rights)}


def _may(what: str, topic: str) -> Entry:
    return {"acltype": what, "topic": topic, "allow": True}


def _admin_rights() -> list[Entry]:
    control = "$CONTROL/dynamic-security/#"
    return [_may(what, control) for what in (_PUBLISH, _RECEIVE, _PATTERN)]


def _service_rights() -> list[Entry]:
    reads = [_may(what, topic) for topic in ("#", "$share/+/#") for what in (_RECEIVE, _PATTERN)]
    return reads + [_may(_UNSUBSCRIBE, "#")] + [_may(_PUBLISH, topic) for topic in _SERVICE_WRITES]


def _open_rights() -> list[Entry]:
    """Return what somebody without a name may do: all that devices may, of any name and dialect.

    What is said to devices is ours alone to say; `priority` decides where two rights meet.
    """
    first = {"priority": 1}
    ours = ("sweepwatch/v1/+/+/+/cmd", "sweepwatch/v1/events/#")
    refused = [_may(_PUBLISH, topic) | {"allow": False} | first for topic in (*ours, "$CONTROL/#")]
    return [*refused, *(_may(what, "#") for what in (_PUBLISH, _RECEIVE, _PATTERN))]
