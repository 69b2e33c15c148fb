"""Alerts' and models' events move into the log of events; followers have cursors.

Revision ID: 0008
Revises: 0007
"""

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"

_MODELS = ("risk", "model")
_SCHEDULE = ("trial", "training", "history")

_NUMBER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
_EVENT = sa.table(
    "event",
    sa.column("at", sa.BigInteger),
    sa.column("subject", sa.String),
    sa.column("subject_id", sa.String),
    sa.column("site", sa.String),
    sa.column("what", sa.String),
    sa.column("principal_kind", sa.String),
    sa.column("principal_id", sa.String),
    sa.column("principal_name", sa.String),
    sa.column("before", sa.String),
    sa.column("after", sa.String),
    sa.column("reason", sa.String),
    sa.column("data", sa.JSON),
)
_OLD_ALERT_EVENTS = sa.text(
    "SELECT e.at, e.alert_id, d.site, e.who, e.before, e.after, e.why, a.device_id, a.fault, a.rule "
    "FROM alert_event e JOIN alert a ON a.id = e.alert_id "
    "LEFT JOIN device d ON d.id = a.device_id ORDER BY e.id"
)
_OLD_MODEL_EVENTS = sa.text("SELECT at, model, who, before, after, why, fault FROM model_event ORDER BY id")


def upgrade() -> None:
    op.create_table(
        "follower",
        sa.Column("name", sa.String(64), primary_key=True),
        sa.Column("cursor", sa.BigInteger, nullable=False),
        sa.Column("tries", sa.BigInteger, nullable=False),
        sa.Column("trouble", sa.String),
    )
    op.create_table(
        "event_set_aside",
        sa.Column("follower", sa.String(64), primary_key=True),
        sa.Column("event", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("trouble", sa.String, nullable=False),
        sa.Column("at", sa.BigInteger, nullable=False),
    )
    connection = op.get_bind()
    rows = [_of_alert(row) for row in connection.execute(_OLD_ALERT_EVENTS)]
    rows += [_of_model(row) for row in connection.execute(_OLD_MODEL_EVENTS)]
    if rows:
        connection.execute(sa.insert(_EVENT), sorted(rows, key=lambda row: int(row["at"])))
    op.drop_table("alert_event")
    op.drop_table("model_event")


def _kind(who: str, rule: str | None = None) -> str:
    if who in _MODELS:
        return "model"
    if who in _SCHEDULE:
        return "schedule"
    return "rule" if who == rule else "person"


def _of_alert(row: sa.Row[Any]) -> dict[str, Any]:
    kind = _kind(row.who, row.rule)
    return {
        "at": row.at,
        "subject": "alert",
        "subject_id": str(row.alert_id),
        "site": row.site,
        "what": "raised" if row.before is None else "state",
        "principal_kind": kind,
        "principal_id": row.who,
        "principal_name": row.who,
        "before": row.before,
        "after": row.after,
        "reason": row.why,
        "data": {"device_id": row.device_id, "fault": row.fault, "rule": row.rule},
    }


def _of_model(row: sa.Row[Any]) -> dict[str, Any]:
    return {
        "at": row.at,
        "subject": "model",
        "subject_id": row.model,
        "site": None,
        "what": "registered" if row.before is None else "state",
        "principal_kind": _kind(row.who),
        "principal_id": row.who,
        "principal_name": row.who,
        "before": row.before,
        "after": row.after,
        "reason": row.why,
        "data": {"fault": row.fault},
    }


def downgrade() -> None:
    raise NotImplementedError("the log of events cannot be taken apart again")
