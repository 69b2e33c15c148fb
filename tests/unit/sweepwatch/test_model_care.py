"""Care for models: a proved challenger takes over, drift is told, training comes when it is due."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from helpers.models import trained
from helpers.trials import END, FAULT, START, repairs, scores, told

from fleet.alerts import INSTALLATION
from fleet.cases import moved, open_case, suspect
from fleet.clock import DAY_MS, HOUR_MS, ManualClock
from fleet.principals import schedule
from fleet.tickets import TicketKind, TicketOrigin, TicketState
from fleet.workflows import WORKFLOWS
from models.features.definitions import all_features
from models.scoring.scorer import InUse
from storage.records.model_cards import CHALLENGER, CHAMPION, cards, model_events
from storage.records.tickets import insert_ticket
from sweepwatch.data_folder import open_data_folder
from sweepwatch.run.model_care import ModelCare, note_trained
from sweepwatch.settings.settings import ModelsSettings, Settings
from sweepwatch.wiring import Services, build

DEVICES = 40
CODE = FAULT.code


def opened(folder: Path, **models: object) -> Services:
    settings = Settings(data=folder, models=ModelsSettings(**models))  # type: ignore[arg-type]
    return build(settings, open_data_folder(folder), ManualClock(END))


@pytest.fixture
def services(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Services]:
    made = opened(tmp_path, **getattr(request, "param", {}))
    yield made
    made.close()
    made.folder.close()


def taken(fault: str) -> tuple[Any, dict[str, Any]]:
    """Return a model and its card's details without a proof: what is told here is what follows a champion."""
    result, details = trained(fault)
    return result, {name: value for name, value in details.items() if name != "proof"}


def on_trial(services: Services, old: float, new: float) -> ModelCare:
    """Register two models and let them have scored side by side, with so much skill each."""
    result, details = taken(CODE)
    ids = [
        services.models.save(
            CODE, result.classifier, 0.4, START + number, details | {"end": START - DAY_MS}
        ).id
        for number in range(2)
    ]
    services.store.write_risks(told(scores(DEVICES, old, 1), ids[0]))
    services.store.write_risks(told(scores(DEVICES, new, 2), ids[1]), shadow=True)
    with services.desk.transaction() as session:
        for device, fault, noticed, ended in repairs(DEVICES).iter_rows():
            first = suspect(fault, noticed, {})
            case = open_case(device, "s", TicketOrigin.REPORTED, first, noticed)
            for state in WORKFLOWS[TicketKind.REPAIR].line[1:]:
                said = [fault] if state is TicketState.REPAIRED else None
                case = moved(case, state, ended, said)
            insert_ticket(session, replace(case, respond_due=case.opened_at))
    return care_of(services)


def care_of(services: Services, recent: list[np.ndarray] | None = None) -> ModelCare:
    """Return the care of a process that sees the last of `recent`."""
    seen = recent or [np.empty((0, 0))]
    models, challengers = services.models.load(), services.models.load_challengers()

    def in_use() -> InUse:
        rows = len(seen[-1])
        times = END + np.linspace(2 * DAY_MS, 4 * DAY_MS, rows).astype(np.int64)
        return InUse(models, challengers, seen[-1], np.arange(rows), times, END)

    return ModelCare(services, in_use)


def states(services: Services) -> dict[int, str]:
    return {card.created - START: card.state for card in cards(services.desk, CODE)}


def test_a_challenger_that_is_proved_to_be_cheaper_takes_over_by_itself(services: Services) -> None:
    on_trial(services, 0.3, 0.9).review()
    assert states(services) == {1: CHAMPION, 0: "retired"}
    (champion,) = [card for card in cards(services.desk) if card.state == CHAMPION]
    event = model_events(services.desk, champion.id)[0]
    assert (event.principal, event.after) == (schedule("trial"), CHAMPION)
    assert "saves" in event.reason


@pytest.mark.parametrize("services", [{"promotion": "manual"}], indirect=True)
def test_where_people_promote_the_verdict_waits_on_the_card(services: Services) -> None:
    on_trial(services, 0.3, 0.9).review()
    assert states(services) == {0: CHAMPION, 1: CHALLENGER}
    trial = cards(services.desk, CODE)[1].details["trial"]
    assert trial["verdict"] == "cheaper"
    assert trial["comparison"]["failures"] == DEVICES // 2


def test_a_challenger_that_is_no_better_stays_where_it_is(services: Services) -> None:
    on_trial(services, 0.8, 0.8).review()
    assert states(services) == {0: CHAMPION, 1: CHALLENGER}


def test_risks_that_tickets_do_not_bear_out_raise_an_alert_and_a_figure(services: Services) -> None:
    care = on_trial(services, 0.5, 0.5)
    often = scores(DEVICES, 0.5, 1).with_columns(risk=0.5)
    services.store.write_risks(told(often, services.models.load()[CODE].card.id))
    findings = care.review()
    (finding,) = findings
    assert (finding.kind, finding.beyond) == ("calibration", True)
    (alert,) = services.alerts.open_alerts()
    assert (alert.device_id, alert.fault, alert.opens_ticket) == (INSTALLATION, CODE, False)
    figure = services.metrics.get_sample_value("sweepwatch_model_came_to_said", {"fault": CODE})
    assert figure == pytest.approx(finding.figure)
    assert f"{finding.figure:.2f}" in finding.text.en
    assert f"{finding.figure:.2f}" in finding.text.zh


def test_inputs_that_no_longer_look_like_those_of_training_raise_an_alert(services: Services) -> None:
    result, details = taken(CODE)
    services.models.save(CODE, result.classifier, 0.4, START, details)
    rng = np.random.default_rng(0)
    same, other = (rng.normal(shift, 1, size=(300, len(all_features()))) for shift in (0.0, 3.0))
    recent = [same]
    care = care_of(services, recent)
    for rows, beyond, alerts in ((same, False, 0), (other, True, 1), (same, False, 0)):
        recent.append(rows)
        assert [finding.beyond for finding in care.review()] == [beyond]
        assert len(services.alerts.open_alerts()) == alerts


def test_training_is_due_after_its_days_and_not_before(services: Services) -> None:
    care, clock = care_of(services), services.clock
    assert isinstance(clock, ManualClock)
    assert not care.retrain(lambda: False)  # the first look only notes the time
    clock.advance(27 * DAY_MS + 23 * HOUR_MS)
    assert not care.retrain(lambda: False)
    with pytest.MonkeyPatch.context() as patch:
        asked: list[int] = []
        patch.setattr(
            "sweepwatch.run.model_care.train",
            lambda services, *_: asked.append(services.clock.now_ms()) or _report(),
        )
        care.retrain(lambda: False)
        assert asked == []
        clock.advance(HOUR_MS)
        assert care.retrain(lambda: False)
        assert not care.retrain(lambda: False)
        assert len(asked) == 1


def _report() -> object:
    from models.learning.pipeline import TrainingReport

    return TrainingReport((), 0, 0, 0, 1, 0.0, cancelled=False)


def test_a_training_that_is_due_without_any_reading_leaves_everything_as_it_is(services: Services) -> None:
    note_trained(services)
    assert isinstance(services.clock, ManualClock)
    services.clock.advance(28 * DAY_MS)
    assert not care_of(services).retrain(lambda: False)
    assert cards(services.desk) == []
