"""The settings of notices: by which mail server, gateway and providers they go out."""

from pathlib import Path
from typing import Literal

from pydantic import Field, SecretStr, field_validator, model_validator

from fleet.letters import LetterKind
from notify.channels import dingtalk, feishu, slack, wecom
from notify.channels.catalogue import ChannelSettings
from notify.channels.http import check_url
from notify.channels.mail import MailServer, is_mail_address
from notify.channels.sms import Gateway, check_gateway
from sweepwatch.settings.section import Section
from sweepwatch.settings.server import is_loopback


class MailSettings(Section):
    """The server by which mail goes out."""

    host: str | None = Field(None, max_length=255, description="Its name; empty: no mail")
    port: int = Field(587, ge=1, le=65_535, description="Its port; 465 where TLS is there from the start")
    tls: Literal["starttls", "implicit", "none"] = Field(
        "starttls", description="How its connection is protected; none: only with a server on this machine"
    )
    user: str | None = Field(None, max_length=255, description="Who signs in there; empty: nobody")
    password: SecretStr | None = Field(None, description="The user's password")
    sender: str | None = Field(None, max_length=320, description="The address that mail is from")

    @model_validator(mode="after")
    def _is_whole(self) -> "MailSettings":
        if self.host is None:
            return self
        if self.sender is None or not is_mail_address(self.sender):
            raise ValueError("notify.mail.host needs notify.mail.sender beside it, alerts@example.org")
        if self.tls == "none" and not is_loopback(self.host):
            raise ValueError("notify.mail.tls: none is allowed with a server on this machine alone")
        if self.user is not None and self.password is None:
            raise ValueError("notify.mail.user needs notify.mail.password beside it")
        return self


class SmsSettings(Section):
    """The gateway by which short messages go out."""

    url: str | None = Field(
        None, repr=False, max_length=2_000, description="Where it takes messages, https://; empty: none"
    )
    format: Literal["json", "form"] = Field("json", description="What its body is")
    body: str = Field(
        '{"mobile": "{phone}", "content": "{text}"}',
        max_length=4_000,
        description="Its body, with {phone}, {text}, {key} and {secret} in it; a form as a=b&c=d",
    )
    authorization: str | None = Field(
        None, max_length=1_000, repr=False, description="Its header Authorization, such as Bearer {secret}"
    )
    secret: SecretStr | None = Field(None, description="What stands for {secret}")
    accepted: str | None = Field(
        None, max_length=200, description="JMESPath to what says in its answer that a message was taken"
    )
    accepted_value: str = Field("0", max_length=100, description="What stands there when it was")
    reference: str | None = Field(
        None, max_length=200, description="JMESPath to its own number of a message in the answer"
    )
    longest: int = Field(140, ge=40, le=1_000, description="Characters of a message at most")

    @model_validator(mode="after")
    def _is_whole(self) -> "SmsSettings":
        if self.url is None:
            return self
        gateway = _gateway(self.url, self)
        if not check_url(gateway.url, plain=True):
            raise ValueError("notify.sms.url: allowed: https://host/path")
        try:
            check_gateway(gateway)
        except Exception as error:  # JSON's, JMESPath's, and ours
            raise ValueError(f"notify.sms: body, accepted or reference cannot be used: {error}") from None
        return self


class PushSettings(Section):
    """Web Push: notices in people's browsers."""

    enabled: bool = Field(True, description="Whether people may be told in their browsers")
    vapid_secret: SecretStr | None = Field(
        None,
        description="Our private key for push services (VAPID: P-256, base64url); empty: one that is made",
    )
    contact: str | None = Field(
        None,
        max_length=320,
        description="How push services reach us, mailto:admin@example.org; empty: our https address",
    )

    @field_validator("contact")
    @classmethod
    def _is_reached(cls, contact: str | None) -> str | None:
        if contact is not None and not contact.startswith(("mailto:", "https://")):
            raise ValueError("allowed: mailto:admin@example.org, or https://host")
        return contact


class NotifySettings(Section):
    """Notices: how people are told of alerts."""

    allow_private_targets: bool = Field(
        False,
        description="Whether webhooks and browsers may be on this machine or in private networks",
    )
    ca_file: Path | None = Field(
        None, description="Certificates (PEM) of authorities that are trusted beside the usual ones"
    )
    dingtalk_url: str = Field(dingtalk.URL, max_length=2_000, description="Where DingTalk's robots are")
    wecom_url: str = Field(wecom.URL, max_length=2_000, description="Where WeCom's robots are")
    feishu_url: str = Field(
        feishu.URL,
        max_length=2_000,
        description="Where Feishu's bots are; https://open.larksuite.com for Lark",
    )
    slack_url: str = Field(slack.URL, max_length=2_000, description="Where Slack's incoming webhooks are")
    letters: tuple[LetterKind, ...] = Field(
        tuple(LetterKind),
        description="What customers are written by themselves, to the address of their contact: "
        "consent (whether a visit may come), appointment (when), called_off (that nobody comes after all), "
        "maintenance (that it is due), feedback (how a repair was); [] for nothing",
    )
    mail: MailSettings = MailSettings()
    sms: SmsSettings = SmsSettings()
    push: PushSettings = PushSettings()

    @field_validator("dingtalk_url", "wecom_url", "feishu_url", "slack_url")
    @classmethod
    def _is_a_url(cls, url: str) -> str:
        if not check_url(url, plain=True) or "?" in url:
            raise ValueError("allowed: https://host, with a path where there is one")
        return url.rstrip("/")


def channel_settings_of(settings: NotifySettings) -> ChannelSettings:
    """Return what the channels need of the settings."""
    push = settings.push
    return ChannelSettings(
        allow_private_targets=settings.allow_private_targets,
        ca_file=settings.ca_file,
        dingtalk_url=settings.dingtalk_url,
        wecom_url=settings.wecom_url,
        feishu_url=settings.feishu_url,
        slack_url=settings.slack_url,
        mail=_mail_server_of(settings.mail),
        sms=None if settings.sms.url is None else _gateway(settings.sms.url, settings.sms),
        vapid_secret=_said(push.vapid_secret) if push.enabled else None,
        push_contact=push.contact or "",
    )


def _mail_server_of(mail: MailSettings) -> MailServer | None:
    if mail.host is None or mail.sender is None:
        return None
    return MailServer(mail.host, mail.port, mail.sender, mail.user, _said(mail.password), mail.tls)


def _gateway(url: str, sms: SmsSettings) -> Gateway:
    return Gateway(
        url,
        sms.body,
        sms.format,
        sms.authorization,
        _said(sms.secret),
        sms.accepted,
        sms.accepted_value,
        sms.reference,
        sms.longest,
    )


def _said(secret: SecretStr | None) -> str | None:
    return None if secret is None else secret.get_secret_value()
