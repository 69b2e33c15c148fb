"""Why breakdowns were not foreseen, and what data were missing to do better."""

from collections import Counter
from collections.abc import Mapping, Sequence
from enum import StrEnum
from typing import Any

import polars as pl

from fleet.clock import DAY_MS
from fleet.faults import predicted_faults
from fleet.signals import Kind
from fleet.text import Text
from models.features.definitions import all_features
from models.learning.settings import TrainingSettings
from yardsticks.proof.judged import AHEAD_MS, Breakdown
from yardsticks.proof.past import PastFleet, is_predicted
from yardsticks.proof.replay import Replayed
from yardsticks.proof.schooling import Trained

_BEFORE_DAYS = 3
_OFTEN = 0.5
_MOST_NAMED = 20
Json = dict[str, Any]


class Why(StrEnum):
    """Why a breakdown was not foreseen: the first of these that holds."""

    NOT_PREDICTED = "not_predicted"
    NOT_HEARD = "not_heard"
    NO_MODEL_YET = "no_model_yet"
    NO_MODEL_OF_FAULT = "no_model_of_fault"
    TOO_LATE = "too_late"
    NOT_SEEN = "not_seen"


WHY_TEXTS = {
    Why.NOT_PREDICTED: Text("Its fault is none that is predicted", "该故障类型不在可预测范围内"),
    Why.NOT_HEARD: Text(
        f"No reading of the device in the {_BEFORE_DAYS} days before", f"故障前 {_BEFORE_DAYS} 天内设备无读数"
    ),
    Why.NO_MODEL_YET: Text(
        "There was no model yet: it came before the first training that had enough to learn from",
        "尚无模型：发生在首次有效训练之前",
    ),
    Why.NO_MODEL_OF_FAULT: Text(
        "There was no model of its fault: too few failures to learn from, or none that was proved",
        "该故障尚无模型：可供学习的故障太少，或模型未获证实",
    ),
    Why.TOO_LATE: Text("Its warning came less than a day ahead", "预警提前不足一天"),
    Why.NOT_SEEN: Text(
        "There was a model, and its risk stayed below the threshold", "已有模型，但风险未达阈值"
    ),
}


class Absences:
    """On which days which robot was heard."""

    def __init__(self, heard: pl.DataFrame) -> None:
        self._days: dict[str, set[int]] = {}
        for device, day in heard.select("device_id", "day").iter_rows():
            self._days.setdefault(device, set()).add(day)

    def unheard_before(self, device: str, at: int) -> bool:
        """Tell whether nothing was heard on the days before a time, its own day included."""
        today, days = at // DAY_MS, self._days.get(device, set())
        return not any(day in days for day in range(today - _BEFORE_DAYS, today + 1))

    def heard_little(self, device: str, end: int) -> bool:
        """Tell whether a robot was heard on few of the days since it was first."""
        days = self._days.get(device)
        return not days or len(days) < _OFTEN * (end // DAY_MS - min(days))


def why_missed(each: Breakdown, absences: Absences, trained: Sequence[Trained]) -> Why | None:
    """Return why a breakdown was not foreseen; None where it was."""
    if each.is_foreseen:
        return None
    if not any(is_predicted(fault) for fault in each.faults):
        return Why.NOT_PREDICTED
    if absences.unheard_before(each.device_id, each.at):
        return Why.NOT_HEARD
    if each.warned is not None:
        return Why.TOO_LATE
    had = {fault for one in trained if one.at <= each.at - AHEAD_MS for fault in one.scoring}
    if not had:
        return Why.NO_MODEL_YET
    return Why.NOT_SEEN if had.intersection(each.faults) else Why.NO_MODEL_OF_FAULT


def reasons(breakdowns: Sequence[Breakdown], replayed: Replayed, absences: Absences) -> Json:
    """Return how many breakdowns were not foreseen, by reason; together they are all of those."""
    counted = Counter(why_missed(each, absences, replayed.trainings) for each in breakdowns)
    return {str(why): counted[why] for why in Why}


def missing(
    breakdowns: Sequence[Breakdown],
    replayed: Replayed,
    fleet: PastFleet,
    settings: TrainingSettings,
    absences: Absences,
) -> Json:
    """Return what data were missing, with numbers."""
    little = [each for each in fleet.robots if absences.heard_little(each, replayed.end)]
    unpredicted = Counter(
        each.fault for each in breakdowns if not any(is_predicted(fault) for fault in each.faults)
    )
    return {
        "too_few_failures": _too_few(replayed.trainings, settings),
        "signals_never_sent": _never_sent(replayed.silent),
        "breakdowns_without_readings_before": sum(
            absences.unheard_before(each.device_id, each.at) for each in breakdowns
        ),
        "days_before": _BEFORE_DAYS,
        "robots_heard_little": {"count": len(little), "of": len(fleet.robots), "some": little[:_MOST_NAMED]},
        "first_model": replayed.first_model,
        "breakdowns_before_first_model": sum(
            replayed.first_model is None or each.at < replayed.first_model for each in breakdowns
        ),
        "faults_not_predicted": dict(unpredicted.most_common()),
    }


def _too_few(trained: Sequence[Trained], settings: TrainingSettings) -> list[Json]:
    """Return the faults that had no model in the end, with what there was to learn from."""
    had = {fault for one in trained for fault in one.scoring}
    last: Mapping[str, Any] = {report.fault: report for report in trained[-1].faults} if trained else {}
    return [
        {
            "fault": fault.code,
            "failures": last[fault.code].failures if fault.code in last else 0,
            "needed": 2 * settings.least_failures,
            "why": last[fault.code].message if fault.code in last else "nothing was trained",
        }
        for fault in predicted_faults(Kind.ROBOT)
        if fault.code not in had
    ]


def _never_sent(silent: Sequence[str]) -> list[str]:
    """Return the signals of which no robot ever told any feature, though models look at them."""
    told = {each.measure.signal for each in all_features() if each.name not in set(silent)}
    return sorted({each.measure.signal for each in all_features()} - told)
