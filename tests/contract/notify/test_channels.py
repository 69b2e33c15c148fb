"""Every channel keeps the same promises, proved on real servers that answer as providers do, and worse."""

import base64
import json
import logging
import ssl
import traceback
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, replace
from time import monotonic
from typing import Any

import http_ece
import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from joserfc import jwt
from joserfc.jwk import ECKey

from benchmarks.harness.receivers import Asked, HttpReceiver, http_receiver
from fleet.clock import ManualClock
from fleet.errors import InvalidInput
from fleet.faults import Level
from fleet.notices import Channel, ChannelKind, Message, NotDelivered, Proof
from notify.channels.dingtalk import DingTalk
from notify.channels.feishu import Feishu
from notify.channels.http import Poster
from notify.channels.push import Push
from notify.channels.slack import Slack
from notify.channels.sms import Gateway, Sms
from notify.channels.webhook import Webhook
from notify.channels.wecom import WeCom

NOON = 1_800_000_000_000
PATIENCE_S = 1.0
SECRET = "SECa1b2c3d4e5f6g7h8i9j0"
TOKEN = "tok0123456789abcdefTOK"
VAPID = base64.urlsafe_b64encode(bytes(range(1, 33))).decode().rstrip("=")
MESSAGE = Message(
    key="n-42-wang-mail",
    title="R1: brush jamming",
    text="Brush current 4.2 A\n*since* 10:00",
    language="en",
    at=NOON,
    level=Level.L2,
    link="https://sweepwatch.example/alerts/7",
    facts={"device": "R1"},
)


@dataclass
class Case:
    """A channel, what its provider says where it takes a message, refuses it for good, and for now."""

    channel: Channel
    address: Mapping[str, str]
    receiver: HttpReceiver
    accepted: Any
    refused: tuple[int, Any]
    later: tuple[int, Any]
    text_of: Callable[[Any], str]
    most_bytes: int | None = None
    words: Callable[[str], Any] | None = None
    """What an error inside an answer looks like that says these words."""
    opened: Callable[[Asked], Any] = lambda asked: asked.json
    whole: bool = True
    """Whether it has room for the text."""
    accepted_status: int = 200
    keyed: str | None = None
    """The header that holds the key."""


def _dingtalk(poster: Poster, receiver: HttpReceiver, clock: ManualClock) -> Case:
    return Case(
        DingTalk(poster, clock, receiver.url),
        {"token": TOKEN, "secret": SECRET},
        receiver,
        {"errcode": 0, "errmsg": "ok"},
        (200, {"errcode": 310000, "errmsg": "sign not match"}),
        (200, {"errcode": 130101, "errmsg": "send too fast"}),
        lambda body: str(body["markdown"]["text"]),
        20_000,
        lambda words: {"errcode": 300001, "errmsg": words},
    )


def _wecom(poster: Poster, receiver: HttpReceiver, clock: ManualClock) -> Case:
    return Case(
        WeCom(poster, receiver.url),
        {"key": TOKEN},
        receiver,
        {"errcode": 0, "errmsg": "ok"},
        (200, {"errcode": 93000, "errmsg": "invalid webhook url"}),
        (200, {"errcode": 45009, "errmsg": "api freq out of limit"}),
        lambda body: str(body["markdown"]["content"]),
        4_096,
        lambda words: {"errcode": 93000, "errmsg": words},
    )


def _feishu(poster: Poster, receiver: HttpReceiver, clock: ManualClock) -> Case:
    return Case(
        Feishu(poster, clock, receiver.url),
        {"token": TOKEN, "secret": SECRET},
        receiver,
        {"code": 0, "msg": "success", "data": {}},
        (200, {"code": 19021, "msg": "sign match fail"}),
        (200, {"code": 11232, "msg": "frequency limited"}),
        lambda body: json.dumps(body["content"]["post"], ensure_ascii=False),
        20_000,
        lambda words: {"code": 19001, "msg": words},
    )


def _slack(poster: Poster, receiver: HttpReceiver, clock: ManualClock) -> Case:
    return Case(
        Slack(poster, receiver.url),
        {"token": f"T0123456/B0123456/{TOKEN}"},
        receiver,
        b"ok",
        (404, b"no_service"),
        (429, b"rate_limited"),
        lambda body: str(body["blocks"][0]["text"]["text"]),
        words=lambda words: words.encode(),
    )


def _webhook(poster: Poster, receiver: HttpReceiver, clock: ManualClock) -> Case:
    return Case(
        Webhook(poster, clock, plain=True),
        {"url": f"{receiver.url}/hook/{TOKEN}?key={TOKEN}2", "secret": SECRET},
        receiver,
        {"received": True},
        (410, b"gone"),
        (503, b"busy"),
        lambda body: str(body["data"]["text"]),
        words=lambda words: words.encode(),
        keyed="idempotency-key",
    )


def _sms(poster: Poster, receiver: HttpReceiver, clock: ManualClock) -> Case:
    body = '{"to": "{phone}", "content": "{text}", "sign": "{secret}"}'
    gateway = Gateway(
        f"{receiver.url}/sms", body, authorization="Key {secret}", secret=TOKEN, accepted="code", longest=70
    )
    return Case(
        Sms(poster, gateway),
        {"phone": "+86 138 0013 8000"},
        receiver,
        {"code": 0, "id": "x1"},
        (400, {"code": 3}),
        (200, {"code": 7, "msg": "too fast"}),
        lambda body: str(body["content"]),
        words=lambda words: {"code": 5, "msg": words},
        whole=False,
        keyed="idempotency-key",
    )


def _push(poster: Poster, receiver: HttpReceiver, clock: ManualClock) -> Case:
    browser, auth = ec.generate_private_key(ec.SECP256R1()), b"0123456789abcdef"
    public = browser.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)

    def opened(asked: Asked) -> Any:
        raw = http_ece.decrypt(asked.body, private_key=browser, auth_secret=auth, version="aes128gcm")
        return json.loads(raw)

    return Case(
        Push(poster, clock, lambda: VAPID, "mailto:admin@sweepwatch.example", plain=True),
        {"endpoint": f"{receiver.url}/send/{TOKEN}", "p256dh": _b64(public), "auth": _b64(auth)},
        receiver,
        b"",
        (410, b"gone"),
        (500, b"busy"),
        lambda body: str(body["body"]),
        words=lambda words: words.encode(),
        opened=opened,
        accepted_status=201,
        keyed="topic",
    )


def _b64(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")


CASES = {each.__name__[1:]: each for each in (_dingtalk, _wecom, _feishu, _slack, _webhook, _sms, _push)}


@pytest.fixture(params=CASES)
def case(request: pytest.FixtureRequest) -> Iterator[Case]:
    with ExitStack() as stack:
        receiver = stack.enter_context(http_receiver())
        poster = Poster(ssl.create_default_context(), guarded=False, patience_s=PATIENCE_S)
        made = CASES[request.param](poster, receiver, ManualClock(NOON))
        receiver.body, receiver.status = made.accepted, made.accepted_status
        yield made


def _fails(case: Case, status: int = 200, body: Any = b"", **headers: str) -> NotDelivered:
    case.receiver.status, case.receiver.body, case.receiver.headers = status, body, headers
    with pytest.raises(NotDelivered) as caught:
        case.channel.deliver(MESSAGE, case.address)
    return caught.value


def test_what_the_provider_took_is_accepted_by_its_own_word(case: Case) -> None:
    receipt = case.channel.deliver(MESSAGE, case.address)
    assert receipt.proof is Proof.ACCEPTED
    (asked,) = case.receiver.asked
    text = json.dumps(case.opened(asked), ensure_ascii=False)
    assert MESSAGE.title in text
    assert ("Brush current 4.2 A" in text) == case.whole
    assert MESSAGE.link is not None
    assert MESSAGE.link in text


def test_what_is_refused_for_good_is_not_tried_again(case: Case) -> None:
    error = _fails(case, *case.refused)
    assert (error.again, error.maybe, error.after_s) == (False, False, None)


def test_what_is_refused_for_now_may_come_again(case: Case) -> None:
    error = _fails(case, *case.later)
    assert error.again
    assert not error.maybe


@pytest.mark.parametrize("status", [429, 503])
def test_the_time_that_a_provider_asks_for_is_told(case: Case, status: int) -> None:
    error = _fails(case, status, b"later", **{"Retry-After": "37"})
    assert (error.again, error.after_s) == (True, 37.0)


def test_an_answer_that_says_nothing_proves_nothing(case: Case) -> None:
    if case.channel.kind in (ChannelKind.WEBHOOK, ChannelKind.PUSH):
        pytest.skip("these receivers answer by the status alone")
    error = _fails(case, 200, b"<html>welcome to this network</html>")
    assert error.again
    assert error.maybe


def test_a_redirection_is_not_followed(case: Case) -> None:
    error = _fails(case, 307, b"", Location=f"{case.receiver.url}/elsewhere")
    assert not error.again
    assert len(case.receiver.asked) == 1


@pytest.mark.parametrize("status", [404, 410, 403, 500])
def test_a_browser_is_gone_where_its_service_says_so_and_not_otherwise(status: int) -> None:
    with http_receiver() as receiver:
        pushed = _push(Poster(ssl.create_default_context(), guarded=False), receiver, ManualClock(NOON))
        assert _fails(pushed, status, b"").gone is (status in (404, 410))


@pytest.mark.parametrize("contact", ["https://sweepwatch.example:8443", "mailto:a@localhost"])
def test_a_push_is_signed_for_its_service_alone_by_whom_browsers_subscribe_to(contact: str) -> None:
    with http_receiver() as receiver:
        poster, clock = Poster(ssl.create_default_context(), guarded=False), ManualClock(NOON)
        address = _push(poster, receiver, clock).address
        push = Push(poster, clock, lambda: VAPID, contact, plain=True)
        receiver.status = 201
        push.deliver(MESSAGE, address)
        (asked,) = receiver.asked
    signed, _, public = asked.headers["authorization"].removeprefix("vapid t=").partition(",k=")
    assert public == push.public_key
    point = base64.urlsafe_b64decode(public + "=")
    key = ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), point)
    pem = key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    claims = jwt.decode(signed, ECKey.import_key(pem), ["ES256"]).claims
    assert claims == {"sub": contact, "aud": receiver.url, "exp": NOON // 1000 + 12 * 3600}
    assert (asked.headers["urgency"], asked.headers["ttl"]) == ("high", "86400")


def test_a_connection_that_ends_after_the_message_may_have_delivered_it(case: Case) -> None:
    case.receiver.how = "cut"
    error = _fails(case)
    assert error.again
    assert error.maybe


@pytest.mark.parametrize("how", ["hang", "drip"])
def test_a_server_that_hangs_holds_nobody_longer_than_the_time(case: Case, how: str) -> None:
    case.receiver.how = how
    began = monotonic()
    error = _fails(case)
    assert monotonic() - began < PATIENCE_S + 1
    assert error.again
    assert error.maybe


def test_no_part_of_a_secret_is_told_whatever_the_provider_repeats(
    case: Case, caplog: pytest.LogCaptureFixture
) -> None:
    """Not in an error, its causes, the log at its most talkative, the receipt, or an address as shown."""
    caplog.set_level(logging.DEBUG)
    for name in ("httpcore2", "httpx2"):
        logging.getLogger(name).setLevel(logging.WARNING)  # as sweepwatch/logs.py has it

    def echo(asked: Asked) -> Any:
        assert case.words is not None
        return case.words(
            f"{case.receiver.url}{asked.path} {dict(case.address)} {asked.headers} {asked.body!r}"
        )

    case.receiver.echo = echo
    case.receiver.headers = {"X-Echo": f"{dict(case.address)}"}
    told = case.channel.shown(case.address)
    for status in (200, 400, 500):
        case.receiver.status = status
        told += _all_told(case)
    told += caplog.text
    assert case.receiver.asked
    for secret in (TOKEN, SECRET, "138 0013", VAPID):
        for at in range(len(secret) - 7):
            assert secret[at : at + 8] not in told


def _all_told(case: Case) -> str:
    """Return all that a delivery leaves behind, error or receipt."""
    try:
        return repr(case.channel.deliver(MESSAGE, case.address))
    except NotDelivered as error:
        causes = (error.__cause__, error.__context__)
        return "".join(traceback.format_exception(error)) + repr(error) + repr(causes)


def test_a_long_text_is_cut_at_the_border_of_a_character(case: Case) -> None:
    long = replace(
        MESSAGE, language="zh", title="机器人滚刷卡滞" * 200, text="滚刷电流过高，已持续十分钟。" * 4_000
    )
    case.channel.deliver(long, case.address)
    text = case.text_of(case.opened(case.receiver.asked[0]))
    text.encode()  # whole characters
    assert "�" not in text
    assert "滚刷" in text
    if case.most_bytes is not None:
        assert case.most_bytes - 2_000 < len(text.encode()) <= case.most_bytes
        assert long.link is not None
        assert long.link in text


def test_the_key_of_a_notice_is_the_same_each_time(case: Case) -> None:
    for _ in range(2):
        case.channel.deliver(MESSAGE, case.address)
    first, second = case.receiver.asked
    assert case.opened(first) == case.opened(second)
    if case.keyed is not None:
        assert first.headers[case.keyed] == second.headers[case.keyed] != ""


def test_an_address_that_is_not_whole_is_refused_by_name(case: Case) -> None:
    for name in case.address:
        if name == "secret" and case.channel.kind is not ChannelKind.WEBHOOK:
            continue
        with pytest.raises(InvalidInput, match=name):
            case.channel.check({**case.address, name: ""})
        with pytest.raises(InvalidInput, match=name):
            case.channel.check({**case.address, name: "no\nline"})
    with pytest.raises(InvalidInput, match="allowed"):
        case.channel.check({**case.address, "colour": "red"})
    case.channel.check(case.address)
