"""What channels are made of: cutting, pace, what is not said, signatures as the providers document them."""

import base64
import hashlib
import hmac
import ssl
from urllib.parse import parse_qs, urlsplit

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmarks.harness.receivers import http_receiver
from fleet.clock import ManualClock
from fleet.notices import Message, NotDelivered, Proof
from notify.channels.dingtalk import DingTalk
from notify.channels.feishu import Feishu
from notify.channels.http import Answer, Poster
from notify.channels.markdown import as_markdown, escaped
from notify.channels.pace import Pace
from notify.channels.shortening import cut_bytes, cut_characters
from notify.channels.sms import Gateway, Sms, short
from notify.channels.unsaid import unsaid
from notify.channels.webhook import Webhook

NOON = 1_800_000_000_000
MESSAGE = Message("key-1", "Title", "Text", "en", NOON, link="https://s.example/alerts/1")
POSTER = Poster(ssl.create_default_context(), guarded=False, patience_s=2.0)


@given(st.text(max_size=60), st.integers(3, 80))
def test_what_is_cut_fits_and_is_whole_characters(text: str, most: int) -> None:
    cut = cut_bytes(text, most)
    assert len(cut.encode()) <= most
    if len(text.encode("utf-8", "replace")) <= most:
        assert cut == text.encode("utf-8", "replace").decode()
    assert len(cut_characters(text, most)) <= most


@given(st.text(min_size=1, max_size=400), st.text(max_size=4_000), st.integers(2_048, 4_096))
def test_markdown_of_any_message_fits_and_keeps_its_link(title: str, text: str, most: int) -> None:
    message = Message("k", title, text, "zh", NOON, link="https://s.example/alerts/1")
    made = as_markdown(message, most)
    assert len(made.encode()) <= most
    assert made.endswith("(https://s.example/alerts/1)")


def test_what_people_wrote_means_nothing_in_markdown() -> None:
    assert escaped("[x](http://evil) *b* <font>") == r"\[x\](http://evil) \*b\* \<font\>"


def test_a_robot_takes_so_many_in_any_minute_and_says_when_again() -> None:
    now = [0.0]
    pace = Pace(20, 60.0, lambda: now[0])
    for _ in range(20):
        pace.take("robot")
        now[0] += 1.0
    with pytest.raises(NotDelivered) as caught:
        pace.take("robot")
    assert (caught.value.again, caught.value.after_s, caught.value.maybe) == (True, 40.0, False)
    pace.take("another")
    now[0] = 60.0
    pace.take("robot")
    with pytest.raises(NotDelivered):
        pace.take("robot")


def test_an_overfull_robot_is_not_even_asked() -> None:
    with http_receiver(body={"errcode": 0, "errmsg": "ok"}) as receiver:
        channel = DingTalk(POSTER, ManualClock(NOON), receiver.url, Pace(2))
        for _ in range(2):
            channel.deliver(MESSAGE, {"token": "tok0123456789"})
        with pytest.raises(NotDelivered) as caught:
            channel.deliver(MESSAGE, {"token": "tok0123456789"})
        assert len(receiver.asked) == 2
    assert caught.value.again
    assert caught.value.after_s is not None
    assert 0 < caught.value.after_s <= 60


def test_dingtalk_is_signed_as_it_documents() -> None:
    with http_receiver(body={"errcode": 0, "errmsg": "ok"}) as receiver:
        whole = "https://oapi.dingtalk.com/robot/send?access_token=tok0123456789"
        DingTalk(POSTER, ManualClock(NOON), receiver.url).deliver(MESSAGE, {"token": whole, "secret": "SECx"})
    asked = parse_qs(urlsplit(receiver.asked[0].path).query)
    made = hmac.new(b"SECx", f"{NOON}\nSECx".encode(), hashlib.sha256).digest()
    assert asked == {
        "access_token": ["tok0123456789"],
        "timestamp": [str(NOON)],
        "sign": [base64.b64encode(made).decode()],
    }


def test_feishu_is_signed_as_it_documents() -> None:
    with http_receiver(body={"code": 0}) as receiver:
        channel = Feishu(POSTER, ManualClock(NOON), receiver.url)
        channel.deliver(MESSAGE, {"token": "tok0123456789", "secret": "abc"})
    body = receiver.asked[0].json
    made = hmac.new(f"{NOON // 1000}\nabc".encode(), b"", hashlib.sha256).digest()
    assert (body["timestamp"], body["sign"]) == (str(NOON // 1000), base64.b64encode(made).decode())
    assert receiver.asked[0].path == "/open-apis/bot/v2/hook/tok0123456789"


def test_a_webhooks_receiver_can_tell_that_it_is_ours() -> None:
    with http_receiver() as receiver:
        address = {"url": f"{receiver.url}/x", "secret": "sixteen characters"}
        receipt = Webhook(POSTER, ManualClock(NOON), plain=True).deliver(MESSAGE, address)
    (asked,) = receiver.asked
    stamp = asked.headers["sweepwatch-timestamp"]
    made = hmac.new(b"sixteen characters", stamp.encode() + b"." + asked.body, hashlib.sha256).hexdigest()
    assert stamp == str(NOON // 1000)
    assert asked.headers["sweepwatch-signature"] == f"v1={made}"
    assert asked.headers["content-type"] == "application/cloudevents+json"
    event = asked.json
    assert (event["specversion"], event["id"], event["type"]) == ("1.0", "key-1", "sweepwatch.notice")
    assert event["data"]["link"] == MESSAGE.link
    assert receipt.proof is Proof.ACCEPTED


@pytest.mark.parametrize(
    ("form", "body", "sent"),
    [
        (False, '{"to": ["{phone}"], "text": "{text}"}', None),
        (True, "to={phone}&text={text}", "to=%2B8613800138000&text="),
    ],
)
def test_a_gateway_without_a_path_to_its_yes_only_took_it_over(
    form: bool, body: str, sent: str | None
) -> None:
    hostile = Message("k", 'x"}, "to": "y&to=z', "", "en", NOON)
    with http_receiver(body=b"queued") as receiver:
        gateway = Gateway(receiver.url, body, "form" if form else "json")
        receipt = Sms(POSTER, gateway).deliver(hostile, {"phone": "+86 138-0013-8000"})
    assert receipt.proof is Proof.HANDED_OVER
    raw = receiver.asked[0].body
    if sent is None:
        assert orjson.loads(raw) == {"to": ["+8613800138000"], "text": hostile.title}
    else:
        assert raw.decode().startswith(sent)
        assert parse_qs(raw.decode()) == {"to": ["+8613800138000"], "text": [hostile.title]}


def test_a_gateways_own_number_is_the_reference() -> None:
    with http_receiver(body={"result": {"code": "OK", "sid": "m-77"}}) as receiver:
        body = '{"to": "{phone}", "text": "{text}"}'
        gateway = Gateway(
            receiver.url, body, accepted="result.code", accepted_value="OK", reference="result.sid"
        )
        receipt = Sms(POSTER, gateway).deliver(MESSAGE, {"phone": "+8613800138000"})
    assert (receipt.proof, receipt.reference) == (Proof.ACCEPTED, "m-77")


def test_a_short_message_keeps_its_link_whole() -> None:
    long = Message("k", "滚刷卡滞" * 50, "", "zh", NOON, link="https://s.example/alerts/1")
    assert len(short(long, 70)) == 70
    assert short(long, 70).endswith(" https://s.example/alerts/1")
    assert short(long, 30) == ("滚刷卡滞" * 50)[:29] + "…"


def test_parts_of_secrets_and_what_looks_like_tokens_is_not_said() -> None:
    said = unsaid("bad key=S3CR3T-abcdef, or S3CR3T%2Dabcdef, cut: cr3t-abc; id 12345", ["S3CR3T-abcdef"])
    assert "abc" not in said
    assert said.endswith("id 12345")
    assert unsaid("x " + "A1" * 20) == "x ***"
    assert unsaid("a\nb\x1b[31mc", []) == "a b [31mc"
    assert len(unsaid("word " * 200)) == 200


@pytest.mark.parametrize(
    ("said", "seconds"),
    [("7", 7.0), ("7.5", 7.5), ("-3", 0.0), ("1e9", 86_400.0), ("inf", None), ("soon", None), ("", None)],
)
def test_when_to_come_again_is_read_with_care(said: str, seconds: float | None) -> None:
    assert Answer(429, {"retry-after": said}, b"").after_s == seconds
    past = Answer(429, {"retry-after": "Wed, 21 Oct 2015 07:28:00 GMT"}, b"")
    assert past.after_s == 0.0
