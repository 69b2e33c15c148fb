"""The settings of notices: what is wrong is named, what is secret is not shown, channels follow."""

from pathlib import Path

import pytest

from fleet.clock import ManualClock
from fleet.errors import ConfigError
from fleet.notices import ChannelKind
from notify.channels.catalogue import channels_of
from sweepwatch.commands.config import check_settings
from sweepwatch.settings.notify import channel_settings_of
from sweepwatch.settings.settings import load_settings

ALWAYS = {ChannelKind.WEBHOOK, ChannelKind.DINGTALK, ChannelKind.WECOM, ChannelKind.FEISHU, ChannelKind.SLACK}
KEY = "AQIDBAUGBwgJCgsMDQ4PEBESExQVFhcYGRobHB0eHyA"
ALL = {
    "MAIL_HOST": "mail.example.org",
    "MAIL_SENDER": "alerts@example.org",
    "MAIL_USER": "alerts",
    "MAIL_PASSWORD": "the-password",
    "SMS_URL": "https://sms.example.org/send",
    "SMS_AUTHORIZATION": "Bearer {secret}",
    "SMS_SECRET": "the-gateway-secret",
    "SMS_ACCEPTED": "code",
    "PUSH_VAPID_SECRET": KEY,
    "PUSH_CONTACT": "mailto:admin@example.org",
}


def environment(given: dict[str, str]) -> dict[str, str]:
    return {f"SWEEPWATCH_NOTIFY_{name}": value for name, value in given.items()}


def test_without_settings_there_are_the_channels_that_need_none() -> None:
    settings = load_settings(None, {}, {})
    assert set(channels_of(channel_settings_of(settings.notify), ManualClock(0))) == ALWAYS


def test_with_all_settings_there_are_all_channels() -> None:
    settings = load_settings(None, environment(ALL), {})
    channels = channels_of(channel_settings_of(settings.notify), ManualClock(0))
    assert set(channels) == set(ChannelKind)
    assert all(kind is channel.kind for kind, channel in channels.items())


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"MAIL_HOST": "mail.example.org"}, "notify.mail.sender"),
        ({"MAIL_HOST": "m.org", "MAIL_SENDER": "a@b.org", "MAIL_TLS": "none"}, "this machine"),
        ({"MAIL_HOST": "m.org", "MAIL_SENDER": "a@b.org", "MAIL_USER": "a"}, "notify.mail.password"),
        ({"SMS_URL": "https://x.org/s", "SMS_BODY": "{"}, "notify.sms"),
        ({"SMS_URL": "https://x.org/s", "SMS_BODY": '{"a": "{text}"}'}, "{phone}"),
        ({"SMS_URL": "https://x.org/s", "SMS_ACCEPTED": "a[["}, "notify.sms"),
        ({"PUSH_CONTACT": "admin@example.org"}, "mailto:"),
        ({"PUSH_VAPID_SECRET": "no-key", "PUSH_CONTACT": "mailto:a@b.org"}, "notify.push.vapid_secret"),
        ({"CA_FILE": "no-such-file.pem"}, "notify.ca_file"),
        ({"DINGTALK_URL": "ftp://x"}, "https://host"),
    ],
)
def test_what_is_wrong_is_named_before_anything_starts(given: dict[str, str], said: str) -> None:
    with pytest.raises(ConfigError) as caught:
        check_settings(None, environment(given), {}, False, print)
    assert said in str(caught.value)
    assert "no-key" not in str(caught.value)


def test_no_secret_is_listed(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    check_settings(None, environment(ALL), {}, True, print)
    shown = capsys.readouterr().out
    settings = channel_settings_of(load_settings(None, environment(ALL), {}).notify)
    for secret in ("the-password", "the-gateway-secret", KEY):
        assert secret not in shown
        assert secret not in repr(settings)
    assert "notify.mail.host" in shown
