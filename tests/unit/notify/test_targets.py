"""Where messages may go: no name, redirection or spelling leads into the network that we stand in."""

import ssl
from collections.abc import Iterator
from pathlib import Path

import pytest
from helpers.certificates import make_pair

from benchmarks.harness.receivers import HttpReceiver, free_port, http_receiver
from fleet.notices import NotDelivered
from notify.channels.deadline import Deadline
from notify.channels.http import Poster, check_url
from notify.channels.targets import ForbiddenTarget, check_targets, is_public


@pytest.mark.parametrize(
    "address",
    [
        *("127.0.0.1", "127.8.8.8", "0.0.0.0", "10.1.2.3", "172.16.0.1", "192.168.1.1", "169.254.169.254"),
        *("100.64.0.1", "224.0.0.1", "255.255.255.255", "198.18.0.1", "192.0.2.1", "240.0.0.1"),
        *(
            "::1",
            "::",
            "fe80::1",
            "fe80::1%eth0",
            "fc00::1",
            "ff02::1",
            "::ffff:127.0.0.1",
            "::ffff:10.0.0.1",
        ),
        *("64:ff9b::a9fe:a9fe", "2002:7f00:1::", "2002:a00:1::1", "::7f00:1", "2001:db8::1"),
    ],
)
def test_private_addresses_in_every_spelling_are_none_to_send_to(address: str) -> None:
    assert not is_public(address)
    with pytest.raises(ForbiddenTarget):
        check_targets(["93.184.215.14", address])


@pytest.mark.parametrize("address", ["93.184.215.14", "8.8.8.8", "2606:2800:220:1::1", "::ffff:8.8.8.8"])
def test_addresses_of_the_internet_are_fine(address: str) -> None:
    assert is_public(address)


@pytest.mark.parametrize(
    ("url", "fine"),
    [
        ("https://example.org/hook?a=b", True),
        ("https://example.org:8443", True),
        ("http://example.org", False),
        ("https://u:p@example.org", False),
        ("https://", False),
        ("https:///x", False),
        ("ftp://example.org", False),
        ("file:///etc/passwd", False),
        ("https://exa mple.org", False),
        ("https://example.org/#x", False),
        ("https://[::1", False),
        ("https://h:99999", False),
        ("", False),
    ],
)
def test_only_whole_addresses_of_https_are_taken(url: str, fine: bool) -> None:
    assert check_url(url, plain=False) is fine


@pytest.fixture
def receiver() -> Iterator[HttpReceiver]:
    with http_receiver() as made:
        yield made


def poster(*, guarded: bool, trusted: ssl.SSLContext | None = None) -> Poster:
    return Poster(trusted or ssl.create_default_context(), guarded=guarded, patience_s=2.0)


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "2130706433", "0x7f.1", "127.1"])
def test_a_guarded_poster_asks_nobody_on_this_machine(receiver: HttpReceiver, host: str) -> None:
    port = receiver.url.rpartition(":")[2]
    with pytest.raises(NotDelivered) as caught:
        poster(guarded=True).post(f"http://{host}:{port}/", {}, b"{}")
    assert not caught.value.again
    assert "private network" in str(caught.value)
    assert receiver.asked == []
    assert poster(guarded=False).post(f"http://{host}:{port}/", {}, b"{}").status == 200


def test_nobody_there_may_come_again_and_took_nothing() -> None:
    with pytest.raises(NotDelivered) as caught:
        poster(guarded=False).post(f"http://127.0.0.1:{free_port()}/", {}, b"{}")
    assert (caught.value.again, caught.value.maybe) == (True, False)


def test_a_name_that_does_not_exist_may_come_again(monkeypatch: pytest.MonkeyPatch) -> None:
    def unknown(self: Deadline, host: str, port: int) -> list[str]:
        raise OSError("unknown")

    monkeypatch.setattr(Deadline, "addresses", unknown)
    with pytest.raises(NotDelivered) as caught:
        poster(guarded=True).post("https://no-such-name.example/", {}, b"{}")
    assert caught.value.again


def test_certificates_are_checked(tmp_path: Path) -> None:
    certificate, key = make_pair(tmp_path, "localhost")
    served = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    served.load_cert_chain(certificate, key)
    with http_receiver(served) as receiver:
        with pytest.raises(NotDelivered, match="certificate is not trusted") as caught:
            poster(guarded=False).post(receiver.url, {}, b"{}")
        assert (caught.value.again, caught.value.maybe) == (True, False)
        assert receiver.asked == []
        trusted = ssl.create_default_context(cafile=str(certificate))
        assert poster(guarded=False, trusted=trusted).post(receiver.url, {}, b"{}").status == 200


def test_of_an_endless_answer_only_the_beginning_is_read(receiver: HttpReceiver) -> None:
    receiver.body = b"x" * 10_000_000
    assert len(poster(guarded=False).post(receiver.url, {}, b"{}").body) == 65_536
