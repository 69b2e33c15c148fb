"""Which channels an installation has: those that need nothing of ours, and those that the settings set up."""

import ssl
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from fleet.clock import Clock
from fleet.errors import ConfigError
from fleet.notices import Channel, ChannelKind
from notify.channels import dingtalk, feishu, slack, wecom
from notify.channels.deadline import PATIENCE_S
from notify.channels.dingtalk import DingTalk
from notify.channels.feishu import Feishu
from notify.channels.http import Poster
from notify.channels.mail import Mail, MailServer
from notify.channels.push import Push, check_key
from notify.channels.slack import Slack
from notify.channels.sms import Gateway, Sms
from notify.channels.webhook import Webhook
from notify.channels.wecom import WeCom


@dataclass(frozen=True, slots=True)
class ChannelSettings:
    """What channels need of an installation.

    `allow_private_targets`: webhooks and browsers may be at private addresses, and webhooks without TLS.
    `ca_file` holds certificates that are trusted beside the usual ones. Addresses of providers are settings
    since there are others that speak as they do. `mail`, `sms`: None: no such channel. Web Push signs with
    `vapid_secret`, else with the key that `own_key` returns; without either there is none.
    """

    allow_private_targets: bool = False
    ca_file: Path | None = None
    dingtalk_url: str = dingtalk.URL
    wecom_url: str = wecom.URL
    feishu_url: str = feishu.URL
    slack_url: str = slack.URL
    mail: MailServer | None = None
    sms: Gateway | None = None
    vapid_secret: str | None = field(default=None, repr=False)
    own_key: Callable[[], str] | None = None
    push_contact: str = ""
    patience_s: float = PATIENCE_S


def channels_of(settings: ChannelSettings, clock: Clock) -> Mapping[ChannelKind, Channel]:
    """Return the channels by kind; nothing is asked yet. Raises ConfigError for what cannot be used."""
    trusted = _trusted(settings.ca_file)
    # Whoever writes the settings may send to where they like; whoever enters an address may not.
    ours = Poster(trusted, guarded=False, patience_s=settings.patience_s)
    private = settings.allow_private_targets
    others = Poster(trusted, guarded=not private, patience_s=settings.patience_s)
    found: list[Channel] = [
        Webhook(others, clock, plain=private),
        DingTalk(ours, clock, settings.dingtalk_url),
        WeCom(ours, settings.wecom_url),
        Feishu(ours, clock, settings.feishu_url),
        Slack(ours, settings.slack_url),
    ]
    if settings.mail is not None:
        found.append(Mail(settings.mail, trusted, settings.patience_s))
    if settings.sms is not None:
        found.append(Sms(ours, settings.sms))
    key = _key(settings)
    if key is not None:
        found.append(Push(others, clock, key, settings.push_contact, plain=private))
    return {channel.kind: channel for channel in found}


def _key(settings: ChannelSettings) -> Callable[[], str] | None:
    secret = settings.vapid_secret
    if secret is None:
        return settings.own_key
    check_key(secret)
    return lambda: secret


def _trusted(ca_file: Path | None) -> ssl.SSLContext:
    context = ssl.create_default_context()
    if ca_file is not None:
        try:
            context.load_verify_locations(ca_file)
        except (OSError, ssl.SSLError) as error:
            raise ConfigError(f"notify.ca_file: {ca_file} holds no certificates that can be read") from error
    return context
