"""Wires the API and the console; apart, since only processes that serve them pay a second for the import."""

from collections.abc import Callable, Mapping
from functools import partial

import polars as pl
from fastapi import FastAPI

from access.doors import Doors
from alerts.trials import Trials
from api.app import create_app
from api.services import ApiServices
from desk.dispatch.visits import Visits
from desk.intake.room import open_intake
from desk.tickets.past import PastCases
from fleet.ledger import LedgerView
from fleet.progress import StartProgress
from fleet.text import Text
from ingest.service import IngestService
from models.learning.settings import Costs
from models.scoring.decision import Plan, plan_visits
from models.scoring.explanation import sentence
from sweepwatch.run.proofs import Proofs
from sweepwatch.run.proofs_at_work import build_proofs
from sweepwatch.run.reach import rates_of, reach_of
from sweepwatch.run.readiness import noting_changes
from sweepwatch.settings.costs import costs_of
from sweepwatch.settings.desk import file_limits
from sweepwatch.wiring import Services, build_doors, build_duty, build_parts, build_rollouts, trouble


def build_api(
    services: Services,
    ingest: IngestService | None,
    troubles: Callable[[], Mapping[str, str | None]],
    progress: Callable[[], StartProgress | None] = lambda: None,
    notice: Callable[[], Text | None] = lambda: None,
    doors: Doors | None = None,
    proofs: Proofs | None = None,
    demo: bool = False,
) -> FastAPI:
    """Wire the API and the console; `troubles` are those of the parts that only the process knows.

    A `notice` stands on top of every page. `doors` are those of the installation, unless given; `demo`
    says on every page that its fleet is simulated. `proofs` wait until somebody works at them. Raises
    ConfigError where nobody should reach it as the settings say.
    """
    server = services.settings.server

    def ledger() -> LedgerView | None:
        return ingest.ledger.snapshot() if ingest else None

    def readiness() -> Mapping[str, str | None]:
        own = {"store": trouble(services.store.check), "desk": trouble(services.desk.check)}
        wrong = None if own["desk"] else services.book.trouble()
        own |= {} if wrong is None else {"rules": wrong}
        return own | ({"ingest": ingest.not_ready()} if ingest else {}) | dict(troubles())

    costs = services.settings.models.costs
    duty, planning = build_duty(services.desk, services.clock)
    return create_app(
        ApiServices(
            store=services.store,
            desk=services.desk,
            signals=services.signals,
            clock=services.clock,
            tickets=services.tickets,
            work=services.work,
            alerts=services.alerts,
            care=services.care,
            commands=services.commands,
            codes=services.codes,
            rules=services.alerts.rule_texts,
            zones=services.zones,
            clocks=services.clocks,
            closing=services.closing,
            explain=lambda driver, language: sentence(driver, services.signals, language),
            ledger=ledger,
            readiness=noting_changes(readiness),
            registry=services.metrics,
            progress=progress,
            doors=doors or build_doors(services.settings, services.desk, services.clock),
            devices=services.devices,
            rollouts=build_rollouts(services),
            notices=services.notices,
            letters=services.letters,
            dispatch=services.dispatch,
            absences=services.absences,
            on_the_spot=services.on_the_spot,
            book=services.book,
            trials=Trials(services.book, services.store, services.desk, services.signals, services.codes),
            duty=duty,
            planning=planning,
            service=services.service,
            lists=services.lists,
            past=PastCases(services.desk, services.clocks, services.clock),
            reports=services.reports,
            intake=open_intake(
                services.desk,
                services.store,
                services.tickets,
                services.clock,
                sources=[services.service_facts],
                limits=file_limits(services.settings.desk),
            ),
            parts=build_parts(services),
            proofs=proofs or build_proofs(services),
            demo=demo,
            speed=services.settings.simulator.speed,
            reach=reach_of(server, services.clock.now_ms()),
            rates=rates_of(server),
            visits=Visits(services.desk, services.store, partial(_plan, costs_of(costs))),
            currency=costs.currency,
            notice=notice,
            model_trouble=services.models.mismatch,
        )
    )


def _plan(costs: Costs, risks: pl.DataFrame, budget: int) -> Plan:
    return plan_visits(risks, costs, budget)
