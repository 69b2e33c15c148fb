"""Models as lists and pages need them: their cards."""

from typing import Literal

from api.params import FaultCode, Params
from api.services import ApiServices
from fleet.errors import NotFound
from fleet.text import quoted
from storage.records.model_cards import ModelCard, cards


class ModelQuery(Params):
    """Which models."""

    fault: FaultCode | None = None
    state: Literal["champion", "challenger", "retired", "withdrawn"] | None = None


def find_models(services: ApiServices, query: ModelQuery) -> list[tuple[ModelCard, str | None]]:
    """Return the cards by fault, those in use first, each with what is wrong with its file."""
    found = cards(services.desk, query.fault)
    chosen = [card for card in found if query.state is None or card.state == query.state]
    return [(card, services.model_trouble(card)) for card in chosen]


def find_model(services: ApiServices, model: str) -> ModelCard:
    """Return one card. Raises NotFound."""
    for card in cards(services.desk):
        if card.id == model:
            return card
    raise NotFound(f"there is no model {quoted(model)}")
