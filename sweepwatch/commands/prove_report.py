"""Writes a proof to a folder: the page, the PDF, and the JSON behind both."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from api.report.proof import page_of, paper_of, pdf_of
from fleet.proofs import DATA, PAGE, PAPER
from fleet.signals import SignalTable
from fleet.text import LANGUAGES, Language
from sweepwatch.printing import json_text


def write_report(
    report: Mapping[str, Any], folder: Path, signals: SignalTable, language: Language
) -> tuple[Path, ...]:
    """Write a report in one language; return the files. What is there already is replaced."""
    folder.mkdir(parents=True, exist_ok=True)
    paper = paper_of(report, signals, language)
    page, pdf, data = (folder / name for name in (PAGE, PAPER, DATA))
    data.write_text(json_text(report) + "\n", encoding="utf-8")
    page.write_text(page_of(paper), encoding="utf-8")
    # The paper is of the past: the same past gives the same bytes.
    pdf.write_bytes(pdf_of(paper, report["about"]["history"]["end"]))
    return page, pdf, data


def folders_by_language(folder: Path) -> dict[Language, Path]:
    """Return where in a folder a report in every language stands."""
    return {language: folder / language for language in LANGUAGES}


def write_reports(
    report: Mapping[str, Any], folders: Mapping[Language, Path], signals: SignalTable
) -> tuple[Path, ...]:
    """Write a report in each language into a folder of its own; return the files."""
    written = [write_report(report, folder, signals, language) for language, folder in folders.items()]
    return tuple(path for files in written for path in files)
