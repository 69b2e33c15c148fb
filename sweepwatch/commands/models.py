"""The commands of `sweepwatch models`: they touch cards and files alone, so they may run beside `run`."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from rich.table import Table

from api.ticket_items import event_item
from fleet.clock import SystemClock, to_rfc3339
from fleet.errors import ConfigError, Conflict, NotFound
from fleet.faults import predicted_faults
from fleet.principals import check_reason, person
from fleet.signals import Kind
from fleet.text import quoted
from storage.records.database import DeskDatabase
from storage.records.model_cards import CHALLENGER, CHAMPION, UNPROVEN, Deed, ModelCard, cards, model_events
from sweepwatch.commands.installed import opened_models
from sweepwatch.printing import Say, console, json_text
from sweepwatch.settings.settings import Settings

_FIGURES = (("roc_auc", "ROC-AUC"), ("ece", "ECE"))


def list_models(settings: Settings, fault: str | None, as_json: bool, say: Say) -> None:
    """Print the models of one fault or of all. Raises ConfigError for a fault that no model can be of."""
    allowed = [each.code for each in predicted_faults(Kind.ROBOT)]
    if fault is not None and fault not in allowed:
        raise ConfigError(f"--fault: there is no fault {quoted(fault)}; allowed: {', '.join(allowed)}")
    with opened_models(settings) as (desk, registry):
        found = [(card, registry.trouble(card)) for card in cards(desk, fault)]
    if as_json:
        say(json_text([_summary(card, trouble) for card, trouble in found]))
    elif not found:
        say("There is no model yet; `sweepwatch train` makes them.")
    else:
        console().print(_table(found))
        for card, trouble in found:
            note = trouble or _unproven(card) or _said(card.details.get("trial"))
            if note:
                say(f"{card.id}: {note}")


def _table(found: Sequence[tuple[ModelCard, str | None]]) -> Table:
    table = Table("model", "state", "made", *(name for _, name in _FIGURES), "threshold")
    for card, trouble in found:
        metrics = card.details.get("metrics", {})
        figures = [f"{metrics[key]:.3f}" if key in metrics else "-" for key, _ in _FIGURES]
        state = f"{card.state}, unusable" if trouble else card.state
        table.add_row(card.id, state, _day(card.created), *figures, f"{card.threshold:.3f}")
    return table


def show_model(settings: Settings, model: str, as_json: bool, say: Say) -> None:
    """Print the card of one model, by its id or by the fault whose champion it is."""
    with opened_models(settings) as (desk, registry):
        card = _found(desk, model, CHAMPION)
        trouble = registry.trouble(card)
        deeds = model_events(desk, card.id)
    if as_json:
        whole = _summary(card, trouble) | {
            "details": card.details,
            "events": [event_item(each).model_dump(mode="json") for each in deeds],
        }
        say(json_text(whole))
        return
    details = card.details
    facts = Table(show_header=False, box=None)
    facts.add_row("model", card.id)
    facts.add_row("fault", card.fault)
    facts.add_row("state", card.state + (f", replaced {card.replaced}" if card.replaced else ""))
    facts.add_row("file", trouble or f"{card.path}, sound")
    facts.add_row("SHA-256", card.sha256)
    facts.add_row("features", card.features_sha256)
    if "start" in details:
        facts.add_row("history", f"{_day(details['start'])} to {_day(details['end'])}")
        held = f"{details['rows_held_out']} held out" if "rows_held_out" in details else ""
        facts.add_row("rows", f"{details['rows']}, {details['failures']} failures, {held}")
    for name, value in details.get("metrics", {}).items():
        facts.add_row(name, f"{value:.4f}")
    costs = details.get("costs", {})
    said = [f"{name} {costs[name]:g}" for name in ("trip", "unfounded", "failure") if name in costs]
    facts.add_row("threshold", ", ".join([f"{card.threshold:.4f}", *said]))
    facts.add_row("seed", str(details.get("seed", "-")))
    facts.add_row("versions", ", ".join(f"{k} {v}" for k, v in details.get("versions", {}).items()) or "-")
    facts.add_row("proof", _said(details.get("proof")) or "-")
    facts.add_row("trial", _said(details.get("trial")) or "-")
    screen = console()
    screen.print(facts)
    events = Table("when", "who", "from", "to", "why")
    for each in deeds:
        events.add_row(to_rfc3339(each.at), each.principal.name, each.before or "-", each.after, each.reason)
    screen.print(events)


def promote_model(settings: Settings, model: str, force: bool, who: str, why: str | None, say: Say) -> None:
    """Make a model the champion, if its trial says that it is cheaper, or by force."""
    with opened_models(settings) as (desk, registry):
        card = _found(desk, model, CHALLENGER)
        trial = card.details.get("trial")
        if not force and not (card.state == CHALLENGER and trial and trial["verdict"] == "cheaper"):
            raise Conflict(f"{card.id} is not promoted: {_refusal(card, trial)}; --force promotes it anyway")
        reason = why or (_said(trial) if not force else "by hand, against the trial")
        check_reason(reason)
        registry.promote(card.id, Deed(person(who), SystemClock().now_ms(), reason))
    say(
        f"{card.id} is the champion of {card.fault}; `sweepwatch models rollback {card.fault}` takes it back."
    )


def roll_back_model(settings: Settings, fault: str, who: str, why: str | None, say: Say) -> None:
    """Make the champion before this one the champion of a fault again."""
    reason = why or "rolled back by hand"
    check_reason(reason)
    with opened_models(settings) as (_, registry):
        back, withdrawn = registry.roll_back(fault, Deed(person(who), SystemClock().now_ms(), reason))
        trouble = registry.trouble(back)
    say(f"{back.id} is the champion of {fault} again; {withdrawn.id} is withdrawn.")
    if trouble:
        say(f"But it cannot be used: {trouble}")


def _found(desk: DeskDatabase, model: str, state: str) -> ModelCard:
    stored = cards(desk)
    for card in stored:
        if card.id == model or (card.fault == model and card.state == state):
            return card
    if any(card.fault == model for card in stored):
        raise NotFound(f"{model} has no {state}")
    faults = ", ".join(sorted({card.fault for card in stored})) or "none: `sweepwatch train` makes them"
    raise NotFound(f"there is no model {model!r:.80}; faults with models: {faults}")


def _refusal(card: ModelCard, trial: dict[str, Any] | None) -> str:
    if card.state != CHALLENGER:
        return f"it is {card.state}, and does not score beside the champion"
    if not trial:
        return "nothing is known yet of how it compares with the champion; `run` and `score` find out"
    return _said(trial)


def _said(trial: dict[str, Any] | None) -> str:
    return str(trial["text"]["en"]) if trial else ""


def _unproven(card: ModelCard) -> str:
    return _said(card.details.get("proof")) if card.state == UNPROVEN else ""


def _summary(card: ModelCard, trouble: str | None) -> dict[str, Any]:
    return {
        "id": card.id,
        "fault": card.fault,
        "state": card.state,
        "created": to_rfc3339(card.created),
        "threshold": card.threshold,
        "sha256": card.sha256,
        "features_sha256": card.features_sha256,
        "replaced": card.replaced,
        "problem": trouble,
        "metrics": card.details.get("metrics", {}),
        "proof": card.details.get("proof"),
        "trial": card.details.get("trial"),
    }


def _day(ms: int) -> str:
    return datetime.fromtimestamp(ms / 1000, UTC).strftime("%Y-%m-%d")
