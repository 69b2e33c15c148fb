"""What an address consists of, by the kind of channel: what people enter, and what of it is secret."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from fleet.errors import InvalidInput
from fleet.notices import ChannelKind
from fleet.text import near, quoted

_LONGEST = 2_000


@dataclass(frozen=True, slots=True)
class Field:
    """One key of an address. `meaning` says what is allowed; a `secret` one is never shown again."""

    name: str
    meaning: str
    secret: bool = False
    required: bool = True


FIELDS: Mapping[ChannelKind, tuple[Field, ...]] = {
    ChannelKind.MAIL: (Field("email", "an e-mail address, name@example.org"),),
    ChannelKind.WEBHOOK: (
        Field("url", "https://host/path", secret=True),
        Field("secret", "16 characters or more; what is sent is signed with it", secret=True),
    ),
    ChannelKind.DINGTALK: (
        Field("token", "the robot's access_token, or its whole webhook address", secret=True),
        Field("secret", "the robot's signing secret, SEC...", secret=True, required=False),
    ),
    ChannelKind.WECOM: (Field("key", "the robot's key, or its whole webhook address", secret=True),),
    ChannelKind.FEISHU: (
        Field("token", "the bot's token, or its whole webhook address", secret=True),
        Field("secret", "the bot's signing secret", secret=True, required=False),
    ),
    ChannelKind.SLACK: (
        Field("token", "T.../B.../..., or the whole address of the incoming webhook", secret=True),
    ),
    ChannelKind.SMS: (Field("phone", "a number with its country, +86..."),),
    ChannelKind.PUSH: (
        Field("endpoint", "the subscription's endpoint, https://", secret=True),
        Field("p256dh", "the subscription's public key", secret=True),
        Field("auth", "the subscription's shared secret", secret=True),
    ),
}


def check_fields(kind: ChannelKind, address: Mapping[str, str]) -> None:
    """Raise InvalidInput unless an address has the keys of its kind, each with something in it."""
    fields = {field.name: field for field in FIELDS[kind]}
    for name, value in address.items():
        if name not in fields:
            raise InvalidInput(
                f"{kind}: no key {quoted(name)}; allowed: {', '.join(fields)}{near(name, fields)}"
            )
        if len(value) > _LONGEST or not value.isprintable():
            raise wrong(kind, name)
    for field in fields.values():
        if field.required and not address.get(field.name, "").strip():
            raise wrong(kind, field.name)


def wrong(kind: ChannelKind, name: str) -> InvalidInput:
    """Return what is raised where a key holds what is not allowed; what it holds is not repeated."""
    meaning = next(field.meaning for field in FIELDS[kind] if field.name == name)
    return InvalidInput(f"{kind}: {name}: allowed: {meaning}")


def check_each(
    kind: ChannelKind, address: Mapping[str, str], tests: Iterable[tuple[str, Callable[[str], bool]]]
) -> None:
    """Raise InvalidInput unless an address is whole and each key that has a test passes it."""
    check_fields(kind, address)
    for name, is_fine in tests:
        if address.get(name) and not is_fine(address[name]):
            raise wrong(kind, name)


def secrets_of(kind: ChannelKind, address: Mapping[str, str]) -> list[str]:
    """Return the parts of an address that nobody may see."""
    return [address[field.name] for field in FIELDS[kind] if field.secret and address.get(field.name)]


def fingerprint(*secrets: str) -> str:
    """Return a few characters by which the same secret is recognised, and none of it is told."""
    import hashlib

    return hashlib.sha256("\0".join(secrets).encode()).hexdigest()[:6]
