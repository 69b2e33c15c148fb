"""Alerts' and models' events move into the log of events; followers have cursors.

Who acted was a bare name. What happened says of which kind it was: only people acknowledge, and an alert's
reason tells whether a person or a ticket ended it; all else was done by its rule, or by a model.

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
    "SELECT e.at, e.alert_id, d.site, e.who, e.before, e.after, e.why, a.device_id, a.fault, a.rule, "
    "a.level, a.opens_ticket, a.reason "
    "FROM alert_event e JOIN alert a ON a.id = e.alert_id "
    "LEFT JOIN device d ON d.id = a.device_id ORDER BY e.id"
)
_OLD_MODEL_EVENTS = sa.text("SELECT at, model, who, before, after, why, fault FROM model_event ORDER BY id")

_ENDED_BY = sa.text(
    "UPDATE alert SET ended_by = CASE "
    "WHEN reason LIKE 'resolved_by:%' OR reason LIKE 'ticket_%' THEN 'person' "
    "WHEN rule IN ('risk', 'model') THEN 'model' ELSE 'rule' END WHERE state = 'resolved'"
)


def upgrade() -> None:
    op.create_table(
        "follower",
        sa.Column("name", sa.String(64), primary_key=True),
        sa.Column("cursor", sa.BigInteger, nullable=False),
        sa.Column("at", sa.BigInteger, nullable=False),
        sa.Column("tries", sa.BigInteger, nullable=False),
        sa.Column("trouble", sa.String),
        sa.Column("handled", sa.BigInteger, nullable=False),
        sa.Column("failures", sa.BigInteger, nullable=False),
    )
    op.create_table(
        "event_set_aside",
        sa.Column("follower", sa.String(64), primary_key=True),
        sa.Column("event", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("trouble", sa.String, nullable=False),
        sa.Column("at", sa.BigInteger, nullable=False),
    )
    op.add_column("alert", sa.Column("ended_by", sa.String(16)))
    connection = op.get_bind()
    connection.execute(_ENDED_BY)
    rows = [_of_alert(row) for row in connection.execute(_OLD_ALERT_EVENTS)]
    rows += [_of_model(row) for row in connection.execute(_OLD_MODEL_EVENTS)]
    if rows:
        connection.execute(sa.insert(_EVENT), sorted(rows, key=lambda row: int(row["at"])))
    op.drop_table("alert_event")
    op.drop_table("model_event")


def _of_alert(row: sa.Row[Any]) -> dict[str, Any]:
    data = {"device_id": row.device_id, "fault": row.fault, "rule": row.rule, "level": row.level}
    what = "raised" if row.before is None else "joined" if row.before == row.after else "state"
    return {
        "at": row.at,
        "subject": "alert",
        "subject_id": str(row.alert_id),
        "site": row.site,
        "what": what,
        "principal_kind": _who_changed_alert(row),
        "principal_id": row.who,
        "principal_name": row.who,
        "before": row.before,
        "after": row.after,
        "reason": row.why,
        "data": data | {"opens_ticket": bool(row.opens_ticket)},
    }


def _who_changed_alert(row: sa.Row[Any]) -> str:
    by_hand = row.after == "resolved" and row.reason.startswith(("resolved_by:", "ticket_"))
    if by_hand or (row.after == "acknowledged" and row.before != row.after):
        return "person"
    return "model" if row.who in _MODELS else "rule"


def _of_model(row: sa.Row[Any]) -> dict[str, Any]:
    by_itself = row.before is None or row.who in _SCHEDULE
    return {
        "at": row.at,
        "subject": "model",
        "subject_id": row.model,
        "site": None,
        "what": "registered" if row.before is None else "state",
        "principal_kind": "schedule" if by_itself else "person",
        "principal_id": row.who,
        "principal_name": row.who,
        "before": row.before,
        "after": row.after,
        "reason": row.why,
        "data": {"fault": row.fault},
    }


def downgrade() -> None:
    raise RuntimeError(
        "desk database: the log of events of version 0008 cannot be taken apart into the tables before it; "
        "restore the copy that was made before the upgrade"
    )
