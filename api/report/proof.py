"""A proof (yardsticks/proof) as a paper: its figures as sentences and tables, in either language."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader
from markupsafe import Markup

from api.console.charts.pictures import on_white
from api.console.charts.proof import draw_case
from api.console.render import formats
from api.console.render.words import word
from api.report import proof_words as w
from desk.papers import typst
from fleet.risks import Driver
from fleet.signals import SignalTable
from fleet.text import Language, Text
from models.scoring.explanation import sentence

_HERE = Path(__file__).parent
_TEMPLATE = _HERE / "proof.typ"
Json = Mapping[str, Any]


def paper_of(report: Json, signals: SignalTable, language: Language, *, drawn: bool = True) -> dict[str, Any]:
    """Return what stands in the paper, JSON-ready; `drawn` has charts, as SVG for a page that may be dark."""
    said = _Said(report, signals, language)
    return {
        "lang": language,
        "title": w.TITLE.in_language(language),
        "sentence": report["sentence"][language],
        "facts": said.facts(),
        "sections": [each for each in said.sections() if each["rows"] or each["text"]],
        "cases_title": w.CASES.in_language(language),
        "cases_note": w.CASES_NOTE.in_language(language),
        "cases": [said.case(each) | ({"svg": said.chart(each)} if drawn else {}) for each in report["cases"]],
        "reading_title": w.READING.in_language(language),
        "reading": [each.in_language(language) for each in w.READ_SO],
    }


def chart_of(report: Json, number: int, signals: SignalTable, language: Language) -> str | None:
    """Return the chart of a case of a report as SVG, counted from 1; None where there are not so many."""
    cases = report["cases"]
    if not 1 <= number <= len(cases):
        return None
    return _Said(report, signals, language).chart(cases[number - 1])


def page_of(paper: Json) -> str:
    """Return the paper as one HTML page that needs nothing else."""
    environment = Environment(loader=FileSystemLoader(_HERE / "templates"), autoescape=True)
    # The charts are drawn by our own code, which escapes what stands in them.
    cases = [{**each, "svg": Markup(each["svg"])} for each in paper["cases"]]  # nosec B704
    return environment.get_template("proof.html").render(paper={**paper, "cases": cases})


def pdf_of(paper: Json, at: int) -> bytes:
    """Return the paper as PDF; `at` is when it says it was made (epoch ms)."""
    cases = [{**each, "svg": on_white(each["svg"])} for each in paper["cases"]]
    return typst.typeset(_TEMPLATE, {**paper, "cases": cases}, at)


class _Said:
    """Says the parts of a report in one language."""

    def __init__(self, report: Json, signals: SignalTable, language: Language) -> None:
        self._report, self._signals, self._language = report, signals, language
        self._currency = report["about"]["currency"]

    def facts(self) -> list[list[str]]:
        about, trainings = self._report["about"], self._report["trainings"]
        first = self._report["missing"]["first_model"]
        return [
            [self._t(w.PERIOD), f"{self._day(about['since'])} – {self._day(about['until'] - 1)}"],
            [
                self._t(w.HISTORY),
                f"{self._day(about['history']['start'])} – {self._day(about['history']['end'] - 1)}",
            ],
            [self._t(w.ROBOTS), f"{about['robots']:,} / {about['cases']:,}"],
            [self._t(w.TRAININGS), f"{len(trainings)}" + ("" if first is None else f" ({self._day(first)})")],
            [self._t(w.BUDGET), str(about["visits_a_day"] or self._t(w.NO_BUDGET))],
            [self._t(w.SEED), str(about["seed"])],
        ]

    def sections(self) -> list[dict[str, Any]]:
        whole, learned = self._report["whole"], self._report["once_learned"]
        columns = [self._figures(whole)] + ([self._figures(learned)] if learned else [])
        heads = [w.FIGURE, w.WHOLE] + ([w.LEARNED] if learned else [])
        names = [each.in_language(self._language) for each in w.FIGURES]
        rows = [[name, *values] for name, *values in zip(names, *columns, strict=True)]
        return [
            self._table(w.SUMMARY, heads, rows),
            self._table(w.LEADS, [w.DAYS_AHEAD, w.COUNT], self._leads()),
            self._table(w.BY_FAULT, w.GROUP_HEADS, self._groups("by_fault", faults=True), w.BY_FAULT_NOTE),
            self._table(w.BY_MODEL, w.GROUP_HEADS, self._groups("by_model", faults=False)),
            self._table(w.NOT_FORESEEN, [w.WHY, w.COUNT], self._why()),
            self._table(w.MISSING, [w.WHAT, w.FOUND], self._missing()),
        ]

    def case(self, case: Json) -> dict[str, str]:
        driver = None if case["driver"] is None else Driver.from_dict(case["driver"])
        signal = case["signal"]
        label = self._signals[signal].label.in_language(self._language) if signal in self._signals else signal
        told = [f"{self._t(w.SIGNAL)}: {label}"]
        if case["warned"] is not None:
            warned = f"{self._t(w.WARNED)} {formats.moment(case['warned'], self._language)}"
            told.append(f"{warned}: {word('fault', case['warned_of'], self._language)}")
            if driver is not None:
                told.append(sentence(driver, self._signals, self._language))
        if case["failed"] is not None:
            told.append(f"{self._t(w.FAILED)} {formats.moment(case['failed'], self._language)}")
        what = w.CASE_KINDS[case["what"]].in_language(self._language)
        return {
            "title": f"{what}: {case['device']}, {word('fault', case['fault'], self._language)}",
            "text": " · ".join(told),
        }

    def chart(self, case: Json) -> str:
        signal = case["signal"]
        unit = self._signals[signal].unit if signal in self._signals else ""
        return draw_case(case, unit, self._language)

    def _figures(self, told: Json) -> list[str]:
        lead, made, money = told["lead_days"], told["visits"], told["money"]
        days = "–"
        if lead["p50"] is not None:
            days = f"{lead['p10']:.1f} / {lead['p50']:.1f} / {lead['p90']:.1f}"
        return [
            str(told["breakdowns"]),
            self._share(told["foreseen"]),
            str(told["warned_too_late"]),
            days,
            f"{made['made']} ({made['calls']})",
            self._share(made["in_vain"]),
            *(
                self._money(money[name])
                for name in ("breakdowns_cost", "avoided", "trips", "unfounded", "saved")
            ),
        ]

    def _leads(self) -> list[list[str]]:
        return [[name, str(count)] for name, count in self._report["whole"]["lead_days"]["histogram"].items()]

    def _groups(self, part: str, *, faults: bool) -> list[list[str]]:
        return [
            [
                word("fault", each["name"], self._language) if faults else each["name"],
                self._share(each["foreseen"]),
                "–" if each["lead_days_p50"] is None else f"{each['lead_days_p50']:.1f}",
                self._share(each["visits"]["in_vain"]),
            ]
            for each in self._report[part]
        ]

    def _why(self) -> list[list[str]]:
        return [
            [w.WHYS[name].in_language(self._language), str(count)]
            for name, count in self._report["not_foreseen"].items()
            if count
        ]

    def _missing(self) -> list[list[str]]:
        told = self._report["missing"]
        little = told["robots_heard_little"]
        rows = [
            [
                f"{self._t(w.TOO_FEW)}: {word('fault', each['fault'], self._language)}",
                f"{each['failures']} / {each['needed']}",
            ]
            for each in told["too_few_failures"]
        ]
        if told["signals_never_sent"]:
            rows.append([self._t(w.NEVER_SENT), ", ".join(map(self._label, told["signals_never_sent"]))])
        counts = (
            (w.NO_READING_BEFORE, told["breakdowns_without_readings_before"]),
            (w.BEFORE_MODELS, told["breakdowns_before_first_model"]),
        )
        rows += [[self._t(text), str(count)] for text, count in counts if count]
        if little["count"]:
            rows.append([self._t(w.HEARD_LITTLE), f"{little['count']} / {little['of']}"])
        for fault, count in told["faults_not_predicted"].items():
            rows.append([f"{self._t(w.UNPREDICTED)}: {word('fault', fault, self._language)}", str(count)])
        return rows

    def _label(self, signal: str) -> str:
        return self._signals[signal].label.in_language(self._language) if signal in self._signals else signal

    def _table(
        self, title: Text, heads: Sequence[Text], rows: list[list[str]], note: Text | None = None
    ) -> dict[str, Any]:
        return {
            "title": self._t(title),
            "text": "" if note is None else self._t(note),
            "heads": [self._t(each) for each in heads],
            "rows": rows,
        }

    def _share(self, told: Json) -> str:
        counted = f"{told['count']} / {told['of']}"
        if told["share"] is None:
            return counted if told["of"] == 0 else f"{counted} ({self._t(w.TOO_LITTLE)})"
        low, high = 100 * told["low"], 100 * told["high"]
        return f"{counted} = {100 * told['share']:.0f} % ({low:.0f}–{high:.0f} %)"

    def _money(self, told: Json) -> str:
        value = formats.money(told["value"], self._currency, self._language)
        return value if told["low"] is None else f"{value} ({told['low']:,.0f} … {told['high']:,.0f})"

    def _day(self, ms: int) -> str:
        return formats.day(ms, self._language)

    def _t(self, text: Text) -> str:
        return text.in_language(self._language)
