"""What customers gave for cases, as indicators count it."""

from collections.abc import Collection, Mapping

from fleet.case_facts import CaseScore
from storage.records.database import DeskDatabase
from storage.records.feedback import newest_scores


class FeedbackScores:
    """Knows the newest score of each case that has one (fleet.case_facts.Scores)."""

    def __init__(self, desk: DeskDatabase) -> None:
        self._desk = desk

    def __call__(self, ticket_ids: Collection[int], /) -> Mapping[int, CaseScore]:
        """Return the newest score of each of these cases that has one."""
        with self._desk.look() as session:
            found = newest_scores(session, ticket_ids)
        return {number: CaseScore(number, at, score) for number, (at, score) in found.items()}
