"""All that closes the loop behind a repair, as the API needs it."""

from dataclasses import dataclass

from desk.feedback.desk import FeedbackDesk
from desk.feedback.tasks import Remarks
from desk.feedback.visits import VisitBook


@dataclass(frozen=True)
class Closing:
    """Feedback, records of visits, and themes of remarks. `address` is where links begin, ending with /."""

    feedback: FeedbackDesk
    visits: VisitBook
    remarks: Remarks
    address: str
