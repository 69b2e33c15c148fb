"""One case per device: tickets hold suspicions, each with its alerts; their events move into the log.

Several open tickets of one device become one: the oldest that is not repaired yet takes what the others
held, with the strictest deadlines and the furthest state, and they end as cancelled, merged into it. What is
repaired already and only waits to be confirmed beside an open one is confirmed: its engineer has said what
was wrong, and that must not be doubted again. The table of sites goes: nothing ever read it.

Followers begin behind what was moved into the log: it has had its effect. What fires and wants a ticket, but
has none since a crash, is told once more behind that, so that it gets one.

Revision ID: 0009
Revises: 0007
"""

import re
from collections import defaultdict
from collections.abc import Iterator
from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"

_NEXT_DUE = """CASE
    WHEN state IN ('confirmed', 'cancelled') THEN NULL
    WHEN responded_at IS NULL THEN respond_due
    WHEN on_site_due IS NOT NULL AND on_site_at IS NULL AND solved_at IS NULL THEN on_site_due
    WHEN solved_at IS NULL THEN solve_due
END"""
_CLOSED = ("confirmed", "cancelled")
_FURTHER = ("opened", "reopened", "accepted", "waiting_part", "en_route", "repairing")
"""The states of what is not repaired yet, the furthest last."""
_ALERT = re.compile(r"(attached )?alert (\d{1,18}): ")
_ROWS = 5_000
_MERGED = "one case per device: merged into ticket {}"
_CONFIRMED = "one case per device: repaired already, so confirmed beside ticket {}"
_NUMBER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
_EVENT = sa.table(
    "event",
    *(
        sa.column(name)
        for name in (
            "at", "subject", "subject_id", "site", "what", "principal_kind", "principal_id",
            "principal_name", "before", "after", "reason",
        )
    ),
    sa.column("data", sa.JSON),
)  # fmt: skip
_OLD_TICKET = sa.table(
    "ticket",
    *(
        sa.column(name)
        for name in (
            "id", "device_id", "site", "alert_id", "fault", "level", "origin", "state", "part", "skill",
            "opened_at", "respond_due", "on_site_due", "solve_due", "responded_at", "on_site_at", "solved_at",
            "confirmed_fault", "version",
        )
    ),
    sa.column("evidence", sa.JSON),
)  # fmt: skip
_OLD_EVENT = sa.table(
    "ticket_event",
    *(sa.column(name) for name in ("id", "ticket_id", "at", "who", "before", "after", "why")),
)
Row = dict[str, Any]


def upgrade() -> None:
    connection = op.get_bind()
    tickets = [dict(row) for row in connection.execute(_OLD_TICKET.select().order_by("id")).mappings()]
    by_id = {ticket["id"]: ticket for ticket in tickets}
    for ticket in tickets:
        ticket |= {"kind": "repair", "merged_into": None, "close_asked_at": None}
        ticket["suspicions"] = _suspicions(ticket)
    _link_alerts(connection, by_id)
    _move_events(connection, by_id)
    _tell(connection, _merge(tickets, _newest(connection, tickets)))
    op.drop_table("ticket_event")
    op.drop_table("ticket")
    op.drop_table("site")
    _create()
    _fill(connection, tickets)
    _begin_following(connection)


def downgrade() -> None:
    raise RuntimeError(
        "desk database: the cases of version 0009 cannot be taken apart into tickets of one fault each; "
        "restore the copy that was made before the upgrade"
    )


def _suspicions(ticket: Row) -> list[Row]:
    """Return what a ticket of one fault suspected, and what was found instead."""
    judged = ticket["confirmed_fault"] is not None and ticket["solved_at"] is not None
    right = ticket["confirmed_fault"] == ticket["fault"]
    state, ended = "suspected", None
    if judged:
        state, ended = ("confirmed" if right else "refuted"), ticket["solved_at"]
    elif ticket["state"] == "cancelled":
        state = "refuted"
    own = {name: ticket[name] for name in ("fault", "level", "part", "skill", "evidence")}
    own |= {"state": state, "since": ticket["opened_at"], "ended_at": ended, "alerts": set()}
    if ticket["alert_id"] is not None:
        own["alerts"].add(ticket["alert_id"])
    if not judged or right or ticket["confirmed_fault"] == "none":
        return [own]
    found = {"fault": ticket["confirmed_fault"], "level": ticket["level"], "part": None, "alerts": set()}
    found |= {"skill": ticket["skill"], "evidence": {"source": "found"}, "state": "confirmed"}
    return [own, found | {"since": ticket["opened_at"], "ended_at": ended}]


def _link_alerts(connection: sa.Connection, tickets: dict[int, Row]) -> None:
    """Link the alerts of which only a ticket's history still tells: those that a newer one had replaced."""
    known = {row[0]: (row[1], row[2]) for row in connection.execute(_alert_places())}
    taken = {ticket["alert_id"] for ticket in tickets.values()}
    for event in _events(connection):
        found = _ALERT.match(event["why"])
        alert = int(found[2]) if found else None
        ticket = tickets[event["ticket_id"]]
        if alert in taken or known.get(alert) != (ticket["device_id"], ticket["fault"]):
            continue
        taken.add(alert)
        ticket["suspicions"][0]["alerts"].add(alert)


def _alert_places() -> sa.Select[Any]:
    alert = sa.table("alert", sa.column("id"), sa.column("device_id"), sa.column("fault"))
    return sa.select(alert.c.id, alert.c.device_id, alert.c.fault)


def _newest(connection: sa.Connection, tickets: list[Row]) -> int:
    """Return the time of the newest change: what a migration does has no clock of its own."""
    newest: int | None = connection.execute(sa.select(sa.func.max(_OLD_EVENT.c.at))).scalar()
    return int(max([newest or 0, *(ticket["opened_at"] for ticket in tickets)]))


def _merge(tickets: list[Row], now: int) -> list[Row]:
    """Let one open ticket of each device take over the others; return the events that tell of it."""
    told: list[Row] = []
    by_device = defaultdict(list)
    for ticket in sorted(tickets, key=lambda each: (each["opened_at"], each["id"])):
        if ticket["state"] not in _CLOSED:
            by_device[ticket["device_id"]].append(ticket)
    for group in by_device.values():
        waiting = [ticket for ticket in group if ticket["state"] != "repaired"]
        case = (waiting or group)[0]
        for other in group:
            if other is case:
                continue
            before = other["was"] = other["state"]
            if before == "repaired":
                other["state"], reason = "confirmed", _CONFIRMED.format(case["id"])
            else:
                _take_over(case, other)
                reason = _MERGED.format(case["id"])
                taken = [suspicion["fault"] for suspicion in case["suspicions"]]
                told.append(_change(case, now, "joined", f"took over ticket {other['id']}", faults=taken))
            other["version"] += 1
            states = {"before": before, "after": other["state"]}
            told.append(_change(other, now, "state", reason, merged_into=other["merged_into"]) | states)
    return told


def _take_over(case: Row, other: Row) -> None:
    other["state"], other["merged_into"] = "cancelled", case["id"]
    for each in other.pop("suspicions"):
        known = next((own for own in case["suspicions"] if own["fault"] == each["fault"]), None)
        if known is None:
            case["suspicions"].append(each)
        else:  # found by one, suspected by the other
            known["alerts"] |= each["alerts"]
            known["evidence"] = known["evidence"] | {"merged": each["evidence"]}
    other["suspicions"] = []
    case["state"] = max(case["state"], other["was"], key=_FURTHER.index)
    case["level"] = min(case["level"], other["level"])
    for name in ("respond_due", "on_site_due", "solve_due", "responded_at", "on_site_at"):
        case[name] = min((ticket[name] for ticket in (case, other) if ticket[name] is not None), default=None)
    case["fault"] = min(case["suspicions"], key=_rank)["fault"]
    case["version"] += 1


def _rank(each: Row) -> tuple[Any, ...]:
    risk = each["evidence"].get("risk")
    strength = risk if isinstance(risk, int | float) else 1.0
    return each["evidence"].get("source") == "found", each["level"], -strength, -each["since"], each["fault"]


def _change(ticket: Row, at: int, what: str, reason: str, **more: Any) -> Row:
    return {
        "at": at,
        "subject": "ticket",
        "subject_id": str(ticket["id"]),
        "site": ticket["site"],
        "what": what,
        "principal_kind": "schedule",
        "principal_id": "upgrade",
        "principal_name": "upgrade",
        "before": None,
        "after": None,
        "reason": reason,
        "data": _data(ticket) | more,
    }


def _data(ticket: Row, confirmed: tuple[str, ...] = ()) -> Row:
    alerts = sorted(alert for each in ticket["suspicions"] for alert in each["alerts"])
    return {
        "device_id": ticket["device_id"],
        "alerts": [str(alert) for alert in alerts],
        "confirmed": [code for code in confirmed if code != "none"],
    }


def _events(connection: sa.Connection) -> Iterator[Row]:
    """Yield the old events in the order of time, a part of bounded size at once."""
    rows = connection.execute(_OLD_EVENT.select().order_by("at", "id")).mappings()
    while some := rows.fetchmany(_ROWS):
        yield from (dict(row) for row in some)


def _move_events(connection: sa.Connection, tickets: dict[int, Row]) -> None:
    pending = []
    for event in _events(connection):
        pending.append(_moved(event, tickets[event["ticket_id"]]))
        if len(pending) == _ROWS:
            _tell(connection, pending)
            pending = []
    _tell(connection, pending)


def _tell(connection: sa.Connection, events: list[Row]) -> None:
    if events:
        connection.execute(sa.insert(_EVENT), events)


def _moved(event: Row, ticket: Row) -> Row:
    found = _ALERT.match(event["why"])
    if event["before"] is None:
        what = "opened"
    elif event["before"] != event["after"]:
        what = "state"
    else:
        what = "joined" if found and found[1] else "note"
    said = event["after"] == "repaired" and ticket["confirmed_fault"]
    return {
        "at": event["at"],
        "subject": "ticket",
        "subject_id": str(event["ticket_id"]),
        "site": ticket["site"],
        "what": what,
        "principal_kind": _kind(event, found is not None),
        "principal_id": event["who"],
        "principal_name": event["who"],
        "before": event["before"] if what == "state" else None,
        "after": event["after"] if what in ("opened", "state") else None,
        "reason": event["why"],
        "data": _data(ticket, (ticket["confirmed_fault"],) if said else ()),
    }


def _kind(event: Row, of_alert: bool) -> str:
    """Return who acted: alerts alone spoke for rules and models, and the written past for the schedule."""
    if of_alert and (event["before"] is None or event["before"] == event["after"]):
        return "model" if event["who"] == "risk" else "rule"
    return "schedule" if event["who"] == "history" else "person"


def _create() -> None:
    op.create_table(
        "ticket",
        sa.Column("id", _NUMBER, primary_key=True),
        sa.Column("kind", sa.String(16), nullable=False),
        sa.Column("device_id", sa.String(64), nullable=False),
        sa.Column("site", sa.String(64), nullable=False),
        sa.Column("fault", sa.String(64), nullable=False),
        sa.Column("level", sa.String(2), nullable=False),
        sa.Column("origin", sa.String(16), nullable=False),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("opened_at", sa.BigInteger, nullable=False),
        sa.Column("respond_due", sa.BigInteger, nullable=False),
        sa.Column("on_site_due", sa.BigInteger),
        sa.Column("solve_due", sa.BigInteger),
        sa.Column("responded_at", sa.BigInteger),
        sa.Column("on_site_at", sa.BigInteger),
        sa.Column("solved_at", sa.BigInteger),
        sa.Column("close_asked_at", sa.BigInteger),
        sa.Column("merged_into", _NUMBER, sa.ForeignKey("ticket.id")),
        sa.Column("version", sa.BigInteger, nullable=False),
        sa.Column("due", sa.BigInteger, sa.Computed(_NEXT_DUE, persisted=True)),
        sa.CheckConstraint("origin IN ('proactive', 'reported')", name="ck_ticket_origin"),
    )
    op.create_index("ix_ticket_device_id", "ticket", ["device_id"])
    op.create_index("ix_ticket_state", "ticket", ["state", "opened_at"])
    op.create_index("ix_ticket_due", "ticket", ["due", "id"])
    is_open = sa.text("kind = 'repair' AND state NOT IN ('confirmed', 'cancelled')")
    op.create_index(
        "uq_ticket_open_repair",
        "ticket",
        ["device_id"],
        unique=True,
        sqlite_where=is_open,
        postgresql_where=is_open,
    )
    op.create_table(
        "suspicion",
        sa.Column("id", _NUMBER, primary_key=True),
        sa.Column("ticket_id", _NUMBER, sa.ForeignKey("ticket.id"), nullable=False),
        sa.Column("fault", sa.String(64), nullable=False),
        sa.Column("level", sa.String(2), nullable=False),
        sa.Column("part", sa.String(64)),
        sa.Column("skill", sa.String(64), nullable=False),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("since", sa.BigInteger, nullable=False),
        sa.Column("ended_at", sa.BigInteger),
        sa.Column("evidence", sa.JSON, nullable=False),
        sa.UniqueConstraint("ticket_id", "fault"),
    )
    op.create_index("ix_suspicion_fault", "suspicion", ["fault"])
    op.create_table(
        "suspicion_alert",
        sa.Column("alert_id", _NUMBER, sa.ForeignKey("alert.id"), primary_key=True, autoincrement=False),
        sa.Column("suspicion_id", _NUMBER, sa.ForeignKey("suspicion.id"), nullable=False),
    )
    op.create_index("ix_suspicion_alert_suspicion_id", "suspicion_alert", ["suspicion_id"])


_TICKET = sa.table(
    "ticket",
    *(
        sa.column(name)
        for name in (
            "id", "kind", "device_id", "site", "fault", "level", "origin", "state", "opened_at",
            "respond_due", "on_site_due", "solve_due", "responded_at", "on_site_at", "solved_at",
            "close_asked_at", "merged_into", "version",
        )
    ),
)  # fmt: skip
_SUSPICION = sa.table(
    "suspicion",
    *(
        sa.column(name)
        for name in (
            "id", "ticket_id", "fault", "level", "part", "skill", "state", "since", "ended_at",
        )
    ),
    sa.column("evidence", sa.JSON),
)  # fmt: skip
_LINK = sa.table("suspicion_alert", sa.column("alert_id"), sa.column("suspicion_id"))
_FOLLOWERS = ("tickets for alerts", "alerts end with their ticket")
_FOLLOWER = sa.table(
    "follower",
    *(sa.column(name) for name in ("name", "cursor", "at", "tries", "handled", "failures")),
)
_WITHOUT_TICKET = sa.text(
    "SELECT a.id, a.device_id, a.fault, a.rule, a.level, a.state, a.updated, d.site FROM alert a "
    "LEFT JOIN device d ON d.id = a.device_id WHERE a.state IN ('firing', 'acknowledged') AND a.opens_ticket "
    "AND NOT EXISTS (SELECT 1 FROM suspicion_alert s WHERE s.alert_id = a.id) ORDER BY a.id"
)


def _fill(connection: sa.Connection, tickets: list[Row]) -> None:
    # What others were merged into comes first: a ticket refers to it.
    tickets = sorted(tickets, key=lambda ticket: (ticket["merged_into"] is not None, ticket["id"]))
    names = [column.name for column in _TICKET.columns]
    _insert(connection, _TICKET, [{name: ticket[name] for name in names} for ticket in tickets])
    suspicions: list[Row] = []
    links: list[Row] = []
    for ticket in sorted(tickets, key=lambda each: each["id"]):
        for each in ticket["suspicions"]:
            row = {name: value for name, value in each.items() if name != "alerts"}
            suspicions.append(row | {"id": len(suspicions) + 1, "ticket_id": ticket["id"]})
            links += [
                {"alert_id": alert, "suspicion_id": len(suspicions)} for alert in sorted(each["alerts"])
            ]
    _insert(connection, _SUSPICION, suspicions)
    _insert(connection, _LINK, links)
    if connection.dialect.name == "postgresql":
        for table in ("ticket", "suspicion"):
            connection.execute(
                sa.text(
                    f"SELECT setval(pg_get_serial_sequence('{table}', 'id'), "
                    f"(SELECT coalesce(max(id), 0) + 1 FROM {table}), false)"
                )
            )


def _begin_following(connection: sa.Connection) -> None:
    newest = connection.execute(sa.text("SELECT max(id) FROM event")).scalar() or 0
    begin = {"cursor": newest, "at": 0, "tries": 0, "handled": 0, "failures": 0}
    _insert(connection, _FOLLOWER, [{"name": name} | begin for name in _FOLLOWERS])
    _tell(connection, [_missed(dict(row)) for row in connection.execute(_WITHOUT_TICKET).mappings()])


def _missed(alert: Row) -> Row:
    data = {name: alert[name] for name in ("device_id", "fault", "rule", "level")} | {"opens_ticket": True}
    return {
        "at": alert["updated"],
        "subject": "alert",
        "subject_id": str(alert["id"]),
        "site": alert["site"],
        "what": "state",
        "principal_kind": "schedule",
        "principal_id": "upgrade",
        "principal_name": "upgrade",
        "before": alert["state"],
        "after": alert["state"],
        "reason": "it fires and has no ticket",
        "data": data,
    }


def _insert(connection: sa.Connection, table: sa.TableClause, rows: list[Row]) -> None:
    for start in range(0, len(rows), _ROWS):
        connection.execute(sa.insert(table), rows[start : start + _ROWS])
