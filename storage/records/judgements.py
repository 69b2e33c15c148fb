"""What is known of engineers' work: what customers gave, what inspections found, who came in time."""

from collections import defaultdict

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from fleet.stars import Judged, Judgements, as_share
from storage.records.case_facts import CaseFactRow
from storage.records.inspections import scores_of


def judgements(session: Session, since: int, until: int) -> dict[int, Judgements]:
    """Return what is known of the work of engineers within a time (epoch ms), by account."""
    found: dict[str, dict[str, Judged]] = defaultdict(dict)
    row = CaseFactRow
    within = (row.engineer != "", row.repaired_at >= since, row.repaired_at < until)
    scored = select(row.engineer, func.count(), func.avg(row.score)).where(*within, row.score.is_not(None))
    for who, count, mean in session.execute(scored.group_by(row.engineer)):
        found[who]["customers"] = Judged(count, as_share(float(mean)))
    promised = select(row.engineer, func.count()).where(*within, row.on_site_due.is_not(None))
    in_time = promised.where(row.on_site_kept).group_by(row.engineer)
    kept: dict[str, int] = {who: int(count) for who, count in session.execute(in_time)}
    for who, count in session.execute(promised.group_by(row.engineer)):
        found[who]["punctuality"] = Judged(count, kept.get(who, 0) / count)
    for one in scores_of(session, since, until):
        found[one.engineer]["inspections"] = Judged(one.inspections, one.mean / 100)
    return {int(who): known for who, known in found.items() if who.isdecimal()}
