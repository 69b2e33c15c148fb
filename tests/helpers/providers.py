"""Real receivers on this machine behind the product's own channels: they refuse, err and vanish as told.

Of each attempt a line is kept: by which channel, to whom, what, and what became of it.
"""

from collections.abc import Callable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import Any

from benchmarks.harness.receivers import HttpReceiver, MailReceiver, http_receiver, mail_receiver
from fleet.notices import Channel, ChannelKind, Message, NotDelivered, Receipt

ROBOTS = ("dingtalk", "wecom", "webhook", "sms")
_OK: dict[str, Any] = {
    "dingtalk": {"errcode": 0, "errmsg": "ok"},
    "wecom": {"errcode": 0, "errmsg": "ok"},
    "webhook": b"",
    "sms": b"queued",
}


class Providers:
    """A server of mail and one of HTTP for each other provider, which can be shut and opened again."""

    def __init__(self) -> None:
        self.ports = dict.fromkeys((*ROBOTS, "mail"), 0)
        self.mail = MailReceiver()
        self.http = {name: HttpReceiver(body=_OK[name]) for name in ROBOTS}
        self._open: dict[str, ExitStack] = {}
        for name in self.ports:
            self.open(name)

    def settings(self) -> dict[str, Any]:
        """Return the settings of notices that lead here."""
        at = {name: f"http://127.0.0.1:{port}" for name, port in self.ports.items()}
        return {
            "allow_private_targets": True,
            "dingtalk_url": at["dingtalk"],
            "wecom_url": at["wecom"],
            "mail": {"host": "127.0.0.1", "port": self.ports["mail"], "tls": "none", "sender": "s@x.example"},
            "sms": {"url": f"{at['sms']}/send"},
        }

    def address(self, channel: str, who: str) -> dict[str, str]:
        """Return the address of somebody by a channel."""
        return {
            "mail": {"email": f"{who}@x.example"},
            "dingtalk": {"token": f"dingtalk-{who}"},
            "wecom": {"key": f"wecom-of-{who}"},
            "webhook": {"url": f"http://127.0.0.1:{self.ports['webhook']}/{who}", "secret": "s" * 32},
            "sms": {"phone": "+8613800138000"},
        }[channel]

    def open(self, name: str) -> None:
        """Let a provider listen."""
        if name in self._open:
            return
        stack = ExitStack()
        if name == "mail":
            stack.enter_context(mail_receiver(self.ports[name], receiver=self.mail))
            self.ports[name] = self.mail.port
        else:
            stack.enter_context(http_receiver(port=self.ports[name], receiver=self.http[name]))
            self.ports[name] = int(self.http[name].url.rpartition(":")[2])
        self._open[name] = stack

    def shut(self, name: str) -> None:
        """Let nobody listen at a provider's port."""
        if name in self._open:
            self._open.pop(name).close()

    def answers(self, name: str, how: Any) -> None:
        """Let a provider be `down` or `fine`, `silent` after it took something, or answer what is given."""
        if how == "down":
            self.shut(name)
            return
        self.open(name)
        if name == "mail":
            self.mail.how = "cut" if how == "silent" else "answer"
            self.mail.replies = dict(how) if isinstance(how, Mapping) else {}
            return
        receiver = self.http[name]
        receiver.how = "cut" if how == "silent" else "answer"
        receiver.status, receiver.headers, receiver.body = 200, {}, _OK[name]
        if isinstance(how, Mapping) and "status" in how:
            receiver.status, receiver.body = int(how["status"]), b""
            receiver.headers = {"Retry-After": str(how["retry_after"])} if "retry_after" in how else {}
        elif isinstance(how, Mapping):
            receiver.body = dict(how)

    def close(self) -> None:
        """Shut them all."""
        for name in list(self._open):
            self.shut(name)


@dataclass
class Watched:
    """A channel of the product, and what became of each attempt."""

    real: Channel
    note: Callable[[str], None]
    during: list[Callable[[], None]] = field(default_factory=list)
    taken: list[Message] = field(default_factory=list)
    """What happens while the next message is under way."""

    @property
    def kind(self) -> ChannelKind:
        return self.real.kind

    def check(self, address: Mapping[str, str]) -> None:
        self.real.check(address)

    def shown(self, address: Mapping[str, str]) -> str:
        return self.real.shown(address)

    def deliver(self, message: Message, address: Mapping[str, str]) -> Receipt:
        if self.during:
            self.during.pop()()
        what = f"{self.kind} to {_who(self.kind, address)}: {message.title}"
        if listed := [line for line in message.text.splitlines() if line.startswith("- ")]:
            what += f" ({'; '.join(line.removeprefix('- ') for line in listed)})"
        try:
            receipt = self.real.deliver(message, address)
        except NotDelivered as error:
            self.note(f"{what} -> {'not now' if error.again else 'never'}: {error}")
            raise
        self.taken.append(message)
        self.note(f"{what} -> {receipt.proof}")
        return receipt


def _who(kind: ChannelKind, address: Mapping[str, str]) -> str:
    if kind == ChannelKind.MAIL:
        return address["email"].partition("@")[0]
    if kind == ChannelKind.WEBHOOK:
        return address["url"].rpartition("/")[2]
    if kind == ChannelKind.SMS:
        return address["phone"]
    return (address.get("token") or address["key"]).rpartition("-")[2]
