"""The shapes of what the API says of models and of visits."""

from typing import Any

from pydantic import Field

from api.schemas import EventItem, ListOf, Schema, Time


class ModelItem(Schema):
    """A trained model; `problem` says why its file cannot be used, `trial` how a challenger compares.

    `proof` says whether it is better than chance on held-out rows; a first model that is not is unproven.
    """

    id: str = Field(examples=["brush_jam-1795334400000-1f0c2ab9"])
    fault: str = Field(examples=["brush_jam"])
    state: str = Field(
        examples=["champion"], description="champion, challenger, retired, unproven or withdrawn"
    )
    created: Time
    threshold: float = Field(examples=[0.31], description="At or above it acting costs less than waiting")
    sha256: str
    features_sha256: str
    replaced: str | None
    problem: str | None
    metrics: dict[str, float] = Field(examples=[{"roc_auc": 0.93, "ece": 0.01}])
    trial: dict[str, Any] | None
    proof: dict[str, Any] | None


class ModelDetail(ModelItem):
    """A model with its whole card and its history."""

    details: dict[str, Any]
    events: list[EventItem]


class VisitFault(Schema):
    """A fault that it pays to act on."""

    fault: str = Field(examples=["brush_jam"])
    risk: float = Field(examples=[0.83])


class VisitItem(Schema):
    """A device with the faults that it pays to act on, and the expected cost that this avoids."""

    device_id: str = Field(examples=["R0042"])
    site: str | None
    model: str | None
    faults: list[VisitFault]
    avoided: float = Field(examples=[212.5])
    ticket: int | None = Field(None, description="The open ticket of the device, where there is one")


class VisitPlan(ListOf[VisitItem]):
    """Whom to visit, best first, and whom to call.

    `worthwhile` visits would pay if there were enough. What would pay at the `ticketed` devices that
    have an open ticket already is `under_way`, and not planned anew. All money is in `currency`.
    """

    budget: int
    worthwhile: int
    ticketed: int
    avoided: float
    currency: str = Field(examples=["EUR"])
    calls: list[VisitItem]
    under_way: list[VisitItem]
