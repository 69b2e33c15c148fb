"""Cares for the models in use: drift raises alerts, a proved challenger takes over, time trains anew."""

import logging
from collections.abc import Callable

from prometheus_client import Gauge

from fleet.clock import DAY_MS
from fleet.errors import NotEnoughHistory
from fleet.findings import DRIFT, ModelFinding
from fleet.principals import schedule
from models.registry.registry import LoadedModel
from models.registry.review import Outcomes, look_at_inputs, look_at_risks, outcomes, try_challenger
from models.registry.trial import CHEAPER, Verdict
from models.scoring.scorer import InUse
from storage.records.model_cards import Deed, note_trial
from storage.records.notes import read_note, write_note
from sweepwatch.run.training import train
from sweepwatch.settings.costs import costs_of
from sweepwatch.wiring import Services

log = logging.getLogger(__name__)
TRIAL = schedule("trial")
_NOTE = "last_training"


class ModelCare:
    """Looks after the models of one process that scores; `in_use` tells what it scores with."""

    def __init__(self, services: Services, in_use: Callable[[], InUse]) -> None:
        self._services = services
        self._in_use = in_use
        self._drift, self._calibration = (
            Gauge(name, text, ["fault"], registry=services.metrics)
            for name, text in (
                ("sweepwatch_model_drift_share", "Share of a model's decisions on features that drifted"),
                ("sweepwatch_model_came_to_said", "How often a fault came over how often its risks said"),
            )
        )

    def review(self) -> list[ModelFinding]:
        """Look at every model in use once: raise or end its alert, and move its challenger's trial on."""
        used = self._in_use()
        if not used.champions:
            return []
        told = outcomes(self._services.desk)
        findings = []
        for fault, champion in used.champions.items():
            findings += self._look(used, told, champion)
            if fault in used.challengers:
                self._try(used, told, champion, used.challengers[fault])
        self._services.alerts.observe_models(findings)
        return findings

    def _look(self, used: InUse, told: Outcomes, champion: LoadedModel) -> list[ModelFinding]:
        looks = (
            look_at_inputs(champion, used.recent, used.devices, used.times, used.newest),
            look_at_risks(self._services.store, told, champion, used.newest),
        )
        found = [finding for finding in looks if finding is not None]
        for finding in found:
            gauge = self._drift if finding.kind == DRIFT else self._calibration
            gauge.labels(finding.fault).set(finding.figure)
            if finding.beyond:
                log.warning("model %s: %s", finding.model, finding.text.en)
        return found

    def _try(self, used: InUse, told: Outcomes, champion: LoadedModel, challenger: LoadedModel) -> None:
        chosen, store = self._services.settings.models, self._services.store
        costs, margin = costs_of(chosen.costs), chosen.promotion_margin
        verdict = try_challenger(store, told, champion, challenger, costs, used.newest, margin)
        now = self._services.clock.now_ms()
        note_trial(self._services.desk, challenger.card.id, verdict.to_dict(champion.card.id, now))
        if verdict.verdict == CHEAPER and chosen.promotion == "auto":
            self._promote(challenger, verdict, now)

    def _promote(self, challenger: LoadedModel, verdict: Verdict, now: int) -> None:
        self._services.models.promote(challenger.card.id, Deed(TRIAL, now, verdict.text.en))
        log.info("%s is the champion now: %s", challenger.card.id, verdict.text.en)

    def retrain(self, stopping: Callable[[], bool]) -> bool:
        """Train challengers if the last training is long enough ago; tell whether it was."""
        every, now = self._services.settings.models.retrain_every_days, self._services.clock.now_ms()
        last = read_note(self._services.desk, _NOTE)
        if last is None:
            note_trained(self._services)
            return False
        if not every or now - int(last["at"]) < every * DAY_MS:
            return False
        try:
            report = train(self._services, None, lambda _share, _text: None, stopping)
        except NotEnoughHistory as error:
            log.info("no training: %s", error)
            note_trained(self._services)
            return False
        if not report.cancelled:
            note_trained(self._services)
            log.info("trained %d models in %.0f s", report.trained, report.seconds)
        return True


def note_trained(services: Services) -> None:
    """Note that a training has come to its end now: the next one is due a while later."""
    write_note(services.desk, _NOTE, {"at": services.clock.now_ms()})
