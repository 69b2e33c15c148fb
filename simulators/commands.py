"""What simulated devices do when told to; a command that comes again is answered, and not done again."""

from collections import OrderedDict
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import orjson

from fleet.clock import SECOND_MS
from fleet.commands import PARAMETERS, ReplyState
from simulators.fleet_simulator import FleetSimulator
from simulators.roster import DeviceCard

_REMEMBERED = 100
"""So many commands a device remembers, to know one that it had."""
_LOCATES_MS, _TESTS_MS, _REBOOTS_MS, _INSTALLS_MS = (each * SECOND_MS for each in (3, 10, 12, 20))
_AT_DOCK = frozenset({"docked", "charging", "emptying", "off"})

Answer = tuple[ReplyState, str]
_Done = Callable[[int], Answer | None]
"""Tells at a time (epoch ms) how something ended, None while it goes on."""
_Begin = Callable[[dict[str, Any]], Answer | _Done]


@dataclass(slots=True)
class _Task:
    """Something under way: it is over when `done` answers."""

    command_id: str
    done: _Done


@dataclass(slots=True)
class CommandedDevice:
    """One device, as far as commands have to do with it; times are epoch ms.

    Until `away_until` it is not on the network. `report_every_s` is None as long as no command has set it.
    """

    card: DeviceCard
    simulator: FleetSimulator
    away_until: int = 0
    report_every_s: int | None = None
    parameters: dict[str, int] = field(default_factory=dict)
    _installing: bool = False
    _tasks: list[_Task] = field(default_factory=list)
    _answered: OrderedDict[str, Answer] = field(default_factory=OrderedDict)
    _replies: list[dict[str, Any]] = field(default_factory=list)

    @property
    def busy(self) -> bool:
        """Whether something is under way."""
        return bool(self._tasks)

    def take(self, payload: bytes, now: int) -> None:
        """Take a command as it came from the broker; what is none is passed over."""
        try:
            said = orjson.loads(payload)
        except orjson.JSONDecodeError:
            return
        if not isinstance(said, dict) or not isinstance(said.get("id"), str):
            return
        command_id = said["id"]
        if command_id in self._answered:
            self._reply(command_id, self._answered[command_id], now)
            return
        if isinstance(said.get("expires"), int) and said["expires"] < now:
            self._reply(command_id, (ReplyState.REFUSED, "it came after it expired"), now)
            return
        params = said.get("params") if isinstance(said.get("params"), dict) else {}
        self._begin(command_id, str(said.get("command")), params or {}, now)

    def go_on(self, now: int) -> Iterator[dict[str, Any]]:
        """Yield the answers that are due, in their order."""
        if now >= self.away_until:
            for task in list(self._tasks):
                answer = task.done(now)
                if answer is not None:
                    self._tasks.remove(task)
                    self._reply(task.command_id, answer, now)
        replies, self._replies = self._replies, []
        yield from replies

    def _begin(self, command_id: str, command: str, params: dict[str, Any], now: int) -> None:
        known: dict[str, _Begin] = {
            "dock": self._dock,
            "locate": lambda _: _after(now + _LOCATES_MS, "it sounded and flashed"),
            "self_test": lambda _: self._test(now),
            "reboot": lambda _: self._reboot(now + _REBOOTS_MS),
            "set_parameter": self._set,
            "offer_firmware": lambda offered: self._install(offered, now),
        }
        begin = known.get(command)
        task = (ReplyState.REFUSED, "this firmware does not know it") if begin is None else begin(params)
        if isinstance(task, tuple):
            self._reply(command_id, task, now)
            return
        self._reply(command_id, (ReplyState.RECEIVED, ""), now)
        self._tasks.append(_Task(command_id, task))

    def _reply(self, command_id: str, answer: Answer, now: int) -> None:
        self._answered[command_id] = answer
        while len(self._answered) > _REMEMBERED:
            self._answered.popitem(last=False)
        state, reason = answer
        self._replies.append(
            {"id": command_id, "state": str(state), "ts": now} | ({"reason": reason} if reason else {})
        )

    def _dock(self, _: dict[str, Any]) -> Answer | _Done:
        state, _code = self.simulator.standing(self.card.id)
        if state == "error":
            return ReplyState.REFUSED, "it is stuck"
        self.simulator.send_home(self.card.id)

        def docked(_now: int) -> Answer | None:
            state, _code = self.simulator.standing(self.card.id)
            if state == "error":
                return ReplyState.REFUSED, "it got stuck on its way"
            return (ReplyState.DONE, f"it is {state}") if state in _AT_DOCK else None

        return docked

    def _test(self, now: int) -> _Done:
        def tested(at: int) -> Answer | None:
            if at < now + _TESTS_MS:
                return None
            _state, code = self.simulator.standing(self.card.id)
            return ReplyState.DONE, f"error {code}" if code else "nothing found"

        return tested

    def _reboot(self, back: int) -> _Done:
        self.away_until = back
        return _after(back, "it is back")

    def _set(self, params: dict[str, Any]) -> Answer:
        name, value = params.get("name"), params.get("value")
        known = PARAMETERS.get(str(name))
        if known is None or self.card.kind not in known.kinds:
            return ReplyState.REFUSED, "this firmware does not know the parameter"
        if type(value) is not int or not known.least <= value <= known.most:
            return ReplyState.REFUSED, f"allowed: {known.least} to {known.most}"
        self.parameters[str(name)] = value
        if name == "report_every_s":
            self.report_every_s = value
        elif name == "return_at_pct":
            self.simulator.return_at(self.card.id, value / 100)
        return ReplyState.DONE, f"{name} is {value}"

    def _install(self, offered: dict[str, Any], now: int) -> Answer | _Done:
        version = offered.get("version")
        if not isinstance(version, str):
            return ReplyState.REFUSED, "an offer without a version"
        if version == self.card.firmware:
            return ReplyState.DONE, "it has this version"
        if self._installing:
            return ReplyState.REFUSED, "it is busy"
        self._installing = True

        def installed(at: int) -> Answer | None:
            if at < now + _INSTALLS_MS:
                return None
            self._installing = False
            self.card = self.simulator.install(self.card.id, version)
            return ReplyState.DONE, f"{version} is installed"

        return installed


def _after(when: int, reason: str) -> _Done:
    return lambda now: (ReplyState.DONE, reason) if now >= when else None
