"""What the desk holds, in figures for /metrics: every combination is there, 0 where there is none."""

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from fleet.alerts import AlertState
from fleet.faults import Level
from fleet.tickets import CLOSED_STATES, TicketState
from storage.records.alerts import AlertRow
from storage.records.tickets import TicketRow


def alerts_by_level_and_state(session: Session) -> dict[tuple[str, str], int]:
    """Count the alerts that are not resolved, by level and state."""
    states = [state for state in AlertState if state is not AlertState.RESOLVED]
    found = {(str(level), str(state)): 0 for level in Level for state in states}
    counted = (
        select(AlertRow.level, AlertRow.state, func.count())
        .where(AlertRow.state.in_(states))
        .group_by(AlertRow.level, AlertRow.state)
    )
    return found | {(level, state): count for level, state, count in session.execute(counted)}


def tickets_by_state(session: Session) -> dict[str, int]:
    """Count the tickets that are not closed, by state."""
    states = [state for state in TicketState if state not in CLOSED_STATES]
    counted = (
        select(TicketRow.state, func.count()).where(TicketRow.state.in_(states)).group_by(TicketRow.state)
    )
    return {str(state): 0 for state in states} | {row[0]: row[1] for row in session.execute(counted)}
