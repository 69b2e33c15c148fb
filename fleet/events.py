"""What happened: one event for each change of an alert, a ticket or anything else that people follow."""

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from fleet.principals import Principal


class Subject(StrEnum):
    """What an event is about."""

    ALERT = "alert"
    TICKET = "ticket"
    MODEL = "model"
    DEVICE = "device"
    PERSON = "person"
    TOKEN = "token"
    SITE = "site"
    ROLLOUT = "rollout"
    COMMAND = "command"
    INCIDENT = "incident"
    MUTE = "mute"
    RULES = "rules"
    DUTY = "duty"
    NOTICE = "notice"
    DESTINATION = "destination"
    CUSTOMER = "customer"
    CONTRACT = "contract"
    ENGINEER = "engineer"
    REGION = "region"
    PART = "part"
    STOCK_PLACE = "stock_place"
    STOCK_ORDER = "stock_order"
    TASK = "task"
    REQUEST = "request"


@dataclass(frozen=True, slots=True)
class Event:
    """One thing that happened, as the log of events has it.

    `id` counts up in the order of the commits (0 until it is stored); `at` is its time, epoch ms;
    `what` names it (`opened`, `state`, `level`, ...); `before` and `after` are states where it changed one;
    `site` is that of the subject's device, None where it has none; `data` is JSON-ready.
    """

    at: int
    subject: Subject
    subject_id: str
    what: str
    principal: Principal
    reason: str
    site: str | None = None
    before: str | None = None
    after: str | None = None
    data: dict[str, Any] = field(default_factory=dict)
    id: int = 0
