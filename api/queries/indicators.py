"""What is asked of indicators: a month, and which cases."""

import re
from typing import Annotated, Literal

from pydantic import BeforeValidator, Field

from api.params import FaultCode, Paged, Params, SearchText
from fleet.case_facts import shown_month
from fleet.grants import Sites
from storage.records.fact_figures import FactFilter

Dimension = Literal["site", "region", "customer", "model", "fault", "engineer"]
_MONTH = re.compile(r"(19[7-9]\d|[2-8]\d{3})-(0[1-9]|1[0-2])")


def _month(value: object) -> int:
    text = shown_month(value) if isinstance(value, int) else str(value)
    if not _MONTH.fullmatch(text):
        raise ValueError("no month; allowed: YYYY-MM, such as 2026-11")
    return int(text[:4]) * 100 + int(text[5:])


Month = Annotated[int, BeforeValidator(_month, json_schema_input_type=str)]
"""A month such as 2026-11, held as 202611."""


class FactQuery(Params):
    """Which month, the present one unless given, and which cases."""

    month: Month | None = Field(None, description="YYYY-MM")
    region: SearchText | None = None
    site: SearchText | None = None
    customer: SearchText | None = None
    model: SearchText | None = None
    fault: FaultCode | None = None

    def wanted(self, sites: Sites) -> FactFilter:
        """Return which cases, of those sites that somebody may see."""
        return FactFilter(self.region, self.site, self.customer, self.model, self.fault, sites=sites)


class IndicatorQuery(FactQuery):
    """Which figures, and by what they are told apart."""

    by: Dimension | None = None


class CaseQuery(FactQuery, Paged):
    """Which cases behind a figure: hits, misses (`hit=false`), or both."""

    hit: bool | None = None
    engineer: SearchText | None = Field(None, description="The id of whose work it is")

    def wanted(self, sites: Sites) -> FactFilter:
        """Return which cases, of those sites that somebody may see."""
        return FactFilter(
            self.region, self.site, self.customer, self.model, self.fault, self.engineer, sites=sites
        )


class ReportQuery(Params):
    """In which language a report is written."""

    lang: Literal["en", "zh"] = "en"
