"""The report of a replayed past, JSON-ready: one sentence for the board first, then what stands behind it."""

from dataclasses import dataclass

from fleet.clock import to_rfc3339
from fleet.faults import FAULTS
from fleet.text import Text
from yardsticks.proof.cases import chart_of, drawn
from yardsticks.proof.figures import Draws, Json, figures, grouped
from yardsticks.proof.judged import AHEAD_MS, Judged, judge
from yardsticks.proof.missing import Absences, missing, reasons
from yardsticks.proof.past import PastFleet
from yardsticks.proof.replay import Replayed, Way
from yardsticks.proof.schooling import Trained
from yardsticks.proof.warnings import VISIT_MS

VERSION = 1


@dataclass(frozen=True, slots=True)
class Asked:
    """What a report is asked about: `since` and `until` (epoch ms) bound what is counted."""

    since: int
    until: int
    currency: str


def report_of(replayed: Replayed, fleet: PastFleet, way: Way, asked: Asked) -> Json:
    """Return the report. The same past, settings and seed give the same one."""
    costs, seed = way.training.costs, way.pace.seed
    judged = judge(replayed.warnings, fleet, costs, replayed.end)
    counted = judged.between(asked.since, asked.until)
    draws = Draws.of(fleet.robots, seed)
    whole = figures(counted, costs, draws)
    absences = Absences(replayed.store.heard())
    first = replayed.first_model
    learned = (
        None
        if first is None
        else figures(counted.between(max(first, asked.since), asked.until), costs, draws)
    )
    return {
        "version": VERSION,
        "sentence": {each: sentence(whole, asked).in_language(each) for each in ("en", "zh")},
        "about": _about(replayed, fleet, way, asked),
        "whole": whole,
        "once_learned": learned,
        "by_fault": grouped(
            counted, draws, lambda each: each.fault, lambda each: sorted({one.fault for one in each.warnings})
        ),
        "by_model": grouped(counted, draws, lambda each: each.model, lambda each: [each.model]),
        "not_foreseen": reasons(counted.breakdowns, replayed, absences),
        "missing": missing(counted.breakdowns, replayed, fleet, way.training, absences),
        "cases": [chart_of(each, replayed.store) for each in drawn(counted, seed)],
        "trainings": [_training(each) for each in replayed.trainings],
        "promoted": [{"at": at, "model": model.rsplit("-", 1)[0]} for at, model in replayed.promoted],
        "visits": _visits(counted),
    }


def _about(replayed: Replayed, fleet: PastFleet, way: Way, asked: Asked) -> Json:
    costs, robots = way.training.costs, set(fleet.robots)
    return {
        "history": {"start": replayed.start, "end": replayed.end},
        "since": asked.since,
        "until": asked.until,
        "robots": len(robots),
        "cases": sum(each.device_id in robots for each in fleet.cases),
        "seed": way.pace.seed,
        "train_every_days": way.pace.every_days,
        "visits_a_day": way.visits_a_day or None,
        "ahead_days": AHEAD_MS / 86_400_000,
        "visit_after_days": VISIT_MS / 86_400_000,
        "currency": asked.currency,
        "costs": {
            "unfounded": costs.unfounded,
            "faults": {
                code: {"trip": costs.trip(each), "breakdown": costs.failure(each)}
                for code, each in FAULTS.items()
                if each.horizon_days is not None
            },
        },
    }


def _training(trained: Trained) -> Json:
    return {
        "at": trained.at,
        "rows": trained.rows,
        "models": len(trained.scoring),
        "faults": [
            {"fault": each.fault, "state": each.state, "failures": each.failures, "message": each.message}
            for each in trained.faults
        ],
    }


def _visits(counted: Judged) -> list[Json]:
    return [
        {
            "device": visit.device_id,
            "at": visit.at,
            "faults": [each.fault for each in visit.warnings],
            "risk": round(max(each.risk for each in visit.warnings), 4),
            "call": visit.is_call,
            "outcome": str(visit.outcome),
        }
        for visit in counted.visits
    ]


def sentence(whole: Json, asked: Asked) -> Text:
    """Return what a manager takes to the board; where there is too little, it says that."""
    foreseen, made, saved = whole["foreseen"], whole["visits"], whole["money"]["saved"]
    span = f"{_day(asked.since)} – {_day(asked.until - 1)}"
    if foreseen["share"] is None:
        return Text(
            f"{span}: {foreseen['of']} breakdowns are too few to say what would have been foreseen.",
            f"{span}：仅有 {foreseen['of']} 次故障停机，数据太少，无法给出结论。",
        )
    lead, cost = whole["lead_days"]["p50"], whole["money"]["breakdowns_cost"]["value"]
    en = (
        f"{span}: of {foreseen['of']} breakdowns Sweepwatch would have foreseen {foreseen['count']} "
        f"({_percent(foreseen)}) at least a day ahead"
    )
    zh = (
        f"{span}：{foreseen['of']} 次故障停机中，Sweepwatch 可提前至少一天预见 {foreseen['count']} 次"
        f"（{_percent(foreseen)}）"
    )
    if lead is not None:
        en += f", half of all warnings that came true {lead:.1f} days or more ahead"
        zh += f"，应验的预警半数提前 {lead:.1f} 天以上"
    vain = made["in_vain"]
    if vain["share"] is None:
        en += f"; {vain['count']} of {vain['of']} visits and calls would have been in vain"
        zh += f"；{vain['of']} 次上门或电话中有 {vain['count']} 次落空"
    else:
        en += f"; {vain['count']} of {vain['of']} visits and calls ({_percent(vain)}) would have been in vain"
        zh += f"；{vain['of']} 次上门或电话中有 {vain['count']} 次落空（{_percent(vain)}）"
    money = f"{asked.currency} {abs(saved['value']):,.0f}"
    bounds = "" if saved["low"] is None else f" ({saved['low']:,.0f} … {saved['high']:,.0f})"
    if saved["value"] >= 0:
        en += f". It would have saved {money}{bounds} of {cost:,.0f} that breakdowns cost."
        zh += f"。故障停机损失 {cost:,.0f} 中可净节省 {money}{bounds}。"
    else:
        en += f". It would have cost {money} more than it saved{bounds}; breakdowns cost {cost:,.0f}."
        zh += f"。其花费将比节省多 {money}{bounds}；故障停机损失为 {cost:,.0f}。"
    return Text(en, zh)


def _percent(told: Json) -> str:
    return f"{100 * told['share']:.0f} %; 95 %: {100 * told['low']:.0f}–{100 * told['high']:.0f} %"


def _day(ms: int) -> str:
    return to_rfc3339(ms)[:10]
