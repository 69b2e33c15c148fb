"""The people of a demo: hired, housed and equipped at its first start, before any of them does anything."""

import csv
import io
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

from access.people import People
from desk.intake.links import ReportLinks
from desk.parts.stock import Moving
from fleet.customers import Contact, Contract, Customer, Included, PlanName, Tier
from fleet.engineers import Certificate, Engineer, Training
from fleet.faults import FAULTS, part_codes
from fleet.files import write_whole
from fleet.grants import Role
from fleet.lists import ListKind
from fleet.part_catalogue import Part
from fleet.people import CREW_DOMAIN, RoleAt
from fleet.principals import schedule
from fleet.regions import Region
from fleet.signals import Kind
from fleet.stock import PlaceKind, StockPlace
from fleet.text import Language, Text
from simulators.crew.hours import ZONE
from simulators.crew.people import DEPOT, DISPATCHER, REGION, SAFETY, CrewPlan, SiteOf, plan_crew
from simulators.fleet_simulator import FleetSimulator
from storage.records.engineers import engineers
from storage.records.stock import stock_figures
from sweepwatch.wiring import Services

BY = schedule("first start")
PLAN = "crew.json"
_PRICES = {"battery-pack": 1280.0, "lidar-unit": 980.0, "drive-motor": 640.0, "fan-motor": 520.0}
_PRICE, _LEAD_DAYS = 85.0, 5
_SUPPLIERS = ("Huadong Parts 华东配件", "Nanhai Components 南海部件")
_AT_DEPOT, _IN_VAN = 6, 1
_ELECTRICIAN = "低压电工证 low-voltage electrician"
_HOLDS_DAYS = 3 * 365
"""A low-voltage electrician is examined anew every three years; the first of the crew is due soon."""
_TRAINED_H = (24.0, 16.0)
_TYPES = {"mall", "office", "hospital", "hotel", "school", "factory"}


@dataclass(frozen=True, slots=True)
class Hiring:
    """Makes the crew of a data folder, or finds it made. May be done again after a crash half-way."""

    services: Services
    people: People
    simulator: FleetSimulator
    folder: Path

    def plan(self) -> CrewPlan | None:
        """Return the crew; None where this house has people of its own, whom nobody plays."""
        kept = self.folder / PLAN
        if kept.exists():
            plan = CrewPlan.from_data(json.loads(kept.read_text(encoding="utf-8")))
            self._let_in(plan)
            return plan
        if self._has_own_people():
            return None
        plan = self._hired(plan_crew(self._sites(), self.simulator.config.seed))
        write_whole(kept, json.dumps(plan.as_data()).encode())
        return plan

    def _has_own_people(self) -> bool:
        with self.services.desk.transaction() as session:
            ours = all(each.email.endswith(f"@{CREW_DOMAIN}") for each in engineers(session))
        return not ours

    def _sites(self) -> list[SiteOf]:
        found: dict[str, list[str]] = {site.id: [] for site in self.simulator.roster.sites}
        for card in self.simulator.cards:
            found[card.site].append(card.id)
        return [
            SiteOf(site.id, site.type.name, (round(site.lat, 5), round(site.lon, 5)), tuple(found[site.id]))
            for site in self.simulator.roster.sites
        ]

    def _hired(self, plan: CrewPlan) -> CrewPlan:
        book, today = self.services.service, self._today()
        book.region(Region(REGION, Text("City", "市区")), BY)
        for who in plan.customers:
            contact = Contact(who.contact, "", who.email)
            tier, sold = (Tier.B, PlanName.BASIC) if who.pays else (Tier.A, PlanName.GOLD)
            language: Language = "en" if who.language == "en" else "zh"
            name = Text(who.name_en, who.name_zh)
            book.customer(Customer(who.id, name, tier, sold, language, contact), BY)
            includes = frozenset[Included]() if who.pays else frozenset({Included.LABOUR, Included.PARTS})
            begins = date(today.year - 1, 1, 1)
            book.contract(Contract(f"C-{who.id}", who.id, sold, begins, includes=includes), BY)
        self._describe_sites(plan)
        self._hire(plan)
        self._equip(plan)
        links = ReportLinks(self.services.desk, self.services.clock)
        made = {site: f"/r/{links.for_site(site, BY)}" for site in plan.sites}
        return CrewPlan(plan.engineers, plan.customers, plan.depot, plan.seed, made)

    def _today(self) -> date:
        return datetime.fromtimestamp(self.services.clock.now_ms() / 1000, UTC).date()

    def _describe_sites(self, plan: CrewPlan) -> None:
        named = {site.id: site.name for site in self.simulator.roster.sites}
        rows = [
            {
                "id": site.id,
                "region": REGION,
                "customer": customer.id,
                "name_en": named[site.id],
                "name_zh": named[site.id],
                "lat": str(site.place[0]),
                "lon": str(site.place[1]),
                "zone": ZONE,
                "type": site.type if site.type in _TYPES else "transport",
            }
            for customer in plan.customers
            for site in customer.sites
        ]
        self.services.lists.take(ListKind.SITES, _csv(rows), BY)

    def _let_in(self, plan: CrewPlan) -> dict[str, int]:
        """Return the account of each engineer, made or let in again; the others' as well."""
        for who, role in ((DISPATCHER, Role.MANAGER), (SAFETY, Role.SAFETY)):
            self.people.hire_for_demo(f"{who[0]}@{CREW_DOMAIN}", who[1], [RoleAt(role)])
        hired = {}
        for each in plan.engineers:
            hired[each.id] = self.people.hire_for_demo(each.email, each.name, [RoleAt(Role.ENGINEER)]).id
        return hired

    def _hire(self, plan: CrewPlan) -> None:
        accounts, today = self._let_in(plan), self._today()
        on = max(today - timedelta(60), date(today.year, 1, 1))
        for number, each in enumerate(plan.engineers):
            said = Engineer(
                id=each.id,
                name=each.name,
                account=accounts[each.id],
                region=REGION,
                email=each.email,
                skills=frozenset(each.skills),
                certificates=_certificates(each.skills, today + timedelta(45 + 200 * (number % 5))),
                training=(Training(on, "电池安全 battery safety", _TRAINED_H[number % 2]),),
                shifts=each.shifts,
                home=each.home,
                van=each.van,
            )
            self.services.service.engineer(said, BY)

    def _equip(self, plan: CrewPlan) -> None:
        stock = self.services.stock
        for index, code in enumerate(sorted(part_codes())):
            self.services.service.part(_part(code, index), BY)
        depot = Text("City depot", "市区总库")
        stock.place(StockPlace(DEPOT, PlaceKind.DEPOT, depot, REGION, *plan.depot), BY)
        for each in plan.engineers:
            name = Text(f"Van of {each.name}", f"{each.name} 的车")
            stock.place(StockPlace(each.van, PlaceKind.VAN, name, REGION), BY)
        with self.services.desk.transaction() as session:
            known = stock_figures(session)
        robots = len(self.simulator.roster.cards[Kind.ROBOT])
        for code in sorted(part_codes()):
            for place, pieces in (
                (DEPOT, max(_AT_DEPOT, robots // 8)),
                *((each.van, _IN_VAN) for each in plan.engineers),
            ):
                if f"{place}/{code}" not in known:
                    stock.receive(Moving(place, code, pieces, why="first stock"), BY)


def _certificates(skills: Iterable[str], expires: date) -> tuple[Certificate, ...]:
    """Return what the law asks of who works at batteries and chargers."""
    if "electrical" not in skills:
        return ()
    issued = expires - timedelta(_HOLDS_DAYS)
    return (Certificate(_ELECTRICIAN, "electrical", issued=issued, expires=expires),)


def _part(code: str, index: int) -> Part:
    fault = next(each for each in FAULTS.values() if each.part == code)
    en = code.replace("-", " ").capitalize()
    return Part(
        code,
        Text(en, _ZH.get(code, code)),
        _PRICES.get(code, _PRICE),
        _LEAD_DAYS if fault.wears else 2 * _LEAD_DAYS,
        supplier=_SUPPLIERS[index % len(_SUPPLIERS)],
        warranty_months=12,
    )


_ZH: Mapping[str, str] = {
    "battery-pack": "电池组",
    "charge-contacts": "充电触点",
    "drive-motor": "行走电机",
    "brush-bearing": "滚刷轴承",
    "main-brush": "主刷",
    "fan-motor": "风机",
    "hepa-filter": "高效滤网",
    "water-seal": "水封",
    "lidar-unit": "激光雷达",
    "drive-wheel-tyre": "驱动轮胎",
    "radio-module": "通信模块",
    "tool-pad": "清洁垫",
    "tool-head": "工具头",
}


def _csv(rows: Iterable[Mapping[str, str]]) -> bytes:
    listed = list(rows)
    text = io.StringIO()
    writer = csv.DictWriter(text, list(listed[0]))
    writer.writeheader()
    writer.writerows(listed)
    return text.getvalue().encode()
