"""What a device may be told to do: the commands, whom they are for, their parameters and their states."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from fleet.clock import DAY_MS, HOUR_MS, MINUTE_MS, SECOND_MS
from fleet.errors import InvalidInput
from fleet.grants import Permission
from fleet.principals import Principal
from fleet.signals import Kind
from fleet.text import Text, quoted


class CommandState(StrEnum):
    """How far a command is."""

    QUEUED = "queued"
    SENT = "sent"
    RECEIVED = "received"
    DONE = "done"
    REFUSED = "refused"
    TIMED_OUT = "timed_out"
    CANCELLED = "cancelled"


class ReplyState(StrEnum):
    """What a device may answer."""

    RECEIVED = "received"
    DONE = "done"
    REFUSED = "refused"


OPEN_STATES = (CommandState.QUEUED, CommandState.SENT, CommandState.RECEIVED)
"""From these a command may still go on; the others are its end."""
EXPIRES_AT_LEAST_MS, EXPIRES_AT_MOST_MS = 10 * SECOND_MS, 30 * DAY_MS
ANSWER_WITHIN_MS = 30 * SECOND_MS
"""So long after its expiry the answer to a command that was sent is waited for: it may be on its way."""
MOST_AT_ONCE = 10_000

_EVERY_KIND = tuple(Kind)
_VERSION = re.compile(r"[A-Za-z0-9][A-Za-z0-9._+-]{0,63}")
_SHA256 = re.compile(r"[0-9a-f]{64}")
_URL = re.compile(r"https?://[^\s\x00-\x20\x7f\"<>\\^`{|}]{1,2000}")
_MOST_BYTES = 16 * 2**30


@dataclass(frozen=True, slots=True)
class Parameter:
    """Something that can be set on a device: a whole number within bounds."""

    text: Text
    least: int
    most: int
    unit: str
    kinds: tuple[Kind, ...] = _EVERY_KIND


PARAMETERS: Mapping[str, Parameter] = {
    "report_every_s": Parameter(Text("seconds between two readings", "读数间隔（秒）"), 1, 3600, "s"),
    "volume_pct": Parameter(Text("volume of its sounds", "提示音量"), 0, 100, "%", (Kind.ROBOT, Kind.TOOL)),
    "return_at_pct": Parameter(
        Text("charge at which it returns to its dock", "返回充电的电量"), 5, 60, "%", (Kind.ROBOT,)
    ),
}
"""What `set_parameter` can set; firmware that does not know one answers `refused`."""


@dataclass(frozen=True, slots=True)
class CommandKind:
    """One command: whom it is for, who may give it, and its times.

    `waits_ms` is how long it waits for a device that is away, unless the order says; `takes_ms` how long a
    device that has received it may take until it is done.
    """

    name: str
    text: Text
    kinds: tuple[Kind, ...]
    permission: Permission
    waits_ms: int
    takes_ms: int
    check: Callable[[Mapping[str, Any], Kind], dict[str, Any]]


def _none(params: Mapping[str, Any], _: Kind) -> dict[str, Any]:
    if params:
        raise InvalidInput(f"params: this command takes none, not {_named(params)}")
    return {}


def _parameter(params: Mapping[str, Any], kind: Kind) -> dict[str, Any]:
    _only(params, ("name", "value"))
    name, value = params.get("name"), params.get("value")
    known = {each: one for each, one in PARAMETERS.items() if kind in one.kinds}
    if not isinstance(name, str) or name not in known:
        raise InvalidInput(f"params.name: {quoted(name)} is none of a {kind}; allowed: {', '.join(known)}")
    least, most = known[name].least, known[name].most
    if type(value) is not int or not least <= value <= most:
        raise InvalidInput(f"params.value: {name} is a whole number from {least} to {most}")
    return {"name": name, "value": value}


def _firmware(params: Mapping[str, Any], _: Kind) -> dict[str, Any]:
    _only(params, ("version", "url", "sha256", "size"))
    version, url, sha256, size = (params.get(name) for name in ("version", "url", "sha256", "size"))
    if not isinstance(version, str) or not _VERSION.fullmatch(version):
        raise InvalidInput("params.version: 1 to 64 of A-Z a-z 0-9 . _ + -, the first a letter or digit")
    if not isinstance(url, str) or not _URL.fullmatch(url):
        raise InvalidInput("params.url: where the firmware is fetched; allowed: http:// or https://")
    if not isinstance(sha256, str) or not _SHA256.fullmatch(sha256):
        raise InvalidInput("params.sha256: the digest of the firmware, 64 of 0-9 a-f")
    if type(size) is not int or not 0 < size <= _MOST_BYTES:
        raise InvalidInput(f"params.size: bytes of the firmware, a whole number from 1 to {_MOST_BYTES}")
    return {"version": version, "url": url, "sha256": sha256, "size": size}


def _only(params: Mapping[str, Any], allowed: tuple[str, ...]) -> None:
    if set(params) - set(allowed):
        raise InvalidInput(
            f"params: allowed: {', '.join(allowed)}; not {_named(params.keys() - set(allowed))}"
        )


def _named(names: Any) -> str:
    return ", ".join(quoted(name) for name in sorted(names)[:5])


_SEND, _CONFIGURE = Permission.COMMANDS_SEND, Permission.COMMANDS_CONFIGURE
_ROBOTS = (Kind.ROBOT,)
COMMANDS: Mapping[str, CommandKind] = {
    each.name: each
    for each in (
        CommandKind(
            "dock", Text("return to the dock", "返回充电座"), _ROBOTS, _SEND, 10 * MINUTE_MS, HOUR_MS, _none
        ),
        CommandKind(
            "locate",
            Text("make itself heard", "发声定位"),
            _EVERY_KIND,
            _SEND,
            5 * MINUTE_MS,
            MINUTE_MS,
            _none,
        ),
        CommandKind(
            "self_test", Text("test itself", "自检"), _EVERY_KIND, _SEND, HOUR_MS, 30 * MINUTE_MS, _none
        ),
        CommandKind("reboot", Text("restart", "重启"), _EVERY_KIND, _SEND, HOUR_MS, 15 * MINUTE_MS, _none),
        CommandKind(
            "set_parameter",
            Text("set a parameter", "设置参数"),
            _EVERY_KIND,
            _CONFIGURE,
            DAY_MS,
            5 * MINUTE_MS,
            _parameter,
        ),
        CommandKind(
            "offer_firmware",
            Text("take new firmware", "升级固件"),
            _EVERY_KIND,
            _CONFIGURE,
            7 * DAY_MS,
            2 * HOUR_MS,
            _firmware,
        ),
    )
}


@dataclass(frozen=True, slots=True)
class Order:
    """A command as somebody orders it; `expires_in_ms` None: as the command has it."""

    device_id: str
    command: str
    why: str
    params: Mapping[str, Any] = field(default_factory=dict)
    expires_in_ms: int | None = None


@dataclass(frozen=True, slots=True)
class Ordered:
    """What became of an order: the id of its command, or why it was refused."""

    device_id: str
    command_id: str | None
    refused: str | None = None


@dataclass(frozen=True, slots=True)
class Command:
    """A command as it stands; times are epoch ms, None until they are there.

    `deadline` is when it times out as it stands, None at its end. `claim` names the batch in which it is or
    was sent: one that is claimed and still queued is on its way. `reason` is what the device answered, or why
    it ended otherwise. `late_state` is what a device answered after the time was out (`late_at`): kept,
    without effect.
    """

    id: str
    device_id: str
    command: str
    params: dict[str, Any]
    state: CommandState
    by: Principal
    why: str
    ordered_at: int
    expires_at: int
    deadline: int | None
    claim: str | None = None
    sent_at: int | None = None
    received_at: int | None = None
    ended_at: int | None = None
    reason: str | None = None
    late_state: str | None = None
    late_at: int | None = None


@dataclass(frozen=True, slots=True)
class DueCommand:
    """A command that is to be published now, and where."""

    id: str
    site: str
    kind: Kind
    device_id: str
    command: str
    params: dict[str, Any]
    expires_at: int


@dataclass(frozen=True, slots=True)
class Reply:
    """What a device answered: for its own commands alone; `received` is when it came, epoch ms."""

    device_id: str
    command_id: str
    state: ReplyState
    received: int
    reason: str = ""


def checked(order: Order, kind: Kind) -> dict[str, Any]:
    """Return the parameters of an order for a device of a kind. Raises InvalidInput for what cannot be."""
    known = COMMANDS.get(order.command)
    if known is None:
        allowed = ", ".join(COMMANDS)
        raise InvalidInput(f"command: {quoted(order.command)} is none; allowed: {allowed}")
    if kind not in known.kinds:
        raise InvalidInput(f"command: {order.command} is for {', '.join(known.kinds)}, this is a {kind}")
    asked = order.expires_in_ms
    if asked is not None and not EXPIRES_AT_LEAST_MS <= asked <= EXPIRES_AT_MOST_MS:
        raise InvalidInput("expires_in_s: allowed: 10 to 2592000 (30 days)")
    return known.check(order.params, kind)


def after(state: CommandState, reply: ReplyState) -> CommandState | None:
    """Return the state to which a reply takes a command; None where it changes nothing.

    Replies come at least once, and in any order: one that is behind is as harmless as a repeated one.
    """
    answered = CommandState(reply)
    return answered if state in OPEN_STATES and state is not answered else None
