"""What happens again and again: scoring, care for models, absence, expiry.

Where several processes share a desk, each job is done by one of them (sweepwatch/run/sharing.py).
"""

import logging
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from threading import Lock
from types import TracebackType
from zoneinfo import ZoneInfo

from apscheduler.events import EVENT_JOB_MAX_INSTANCES, JobSubmissionEvent
from apscheduler.schedulers.background import BackgroundScheduler

from access.personal import PersonalData
from desk.clocks.recount import Recount
from desk.maintenance.use import run_hours
from desk.people.stars import StarsJudge
from fleet.clock import DAY_MS
from fleet.errors import SweepwatchError
from models.scoring.scorer import InUse, Scorer
from storage.ports import Retention
from storage.records.customers_words import forget_customers_words, forget_files
from storage.records.day_plans import forget_proposals
from storage.records.dropped_values import DroppedValues
from storage.records.quarantine import Quarantine
from storage.records.topics_beside import TopicsBeside
from storage.records.uploads import forget_uploads
from sweepwatch.run.hourly_rules import HourlyRules
from sweepwatch.run.model_care import ModelCare
from sweepwatch.run.notices import NoticeJobs
from sweepwatch.run.sharing import Claim, Leases, alone
from sweepwatch.wiring import Services, build_mover

log = logging.getLogger(__name__)
_EXPIRE_EVERY_S = 6 * 3600
_FORGET_EVERY_S = 3600
_PLANS_KEPT_MS = 365 * DAY_MS
"""Plans of days say for so long why somebody was sent."""
_ERASE_EVERY_S = 10
_AGAIN_AT_MOST_S = 60
"""So soon a job that failed is tried again, however seldom it is due."""
_REVIEW_EVERY_S = 3600
_NOTICES_EVERY_S = 5
_TEST_EVERY_S = 6 * 3600
_ROLL_OUT_EVERY_S = 60
_COMMANDS_EVERY_S = 5
_HOURS_EVERY_S = 300
_RECOUNT_EVERY_S = 3600
_REMARKS_EVERY_S = 6 * 3600
_STARS_EVERY_S = 24 * 3600
_INDICATORS_EVERY_S = 3600
_RECOUNT_FACTS_AT = 3
"""In which hour of the installation's clock all facts are worked out anew."""
_UPKEEP_EVERY_S = 6 * 3600
_STOCK_EVERY_S = 60
_REPLAN_EVERY_S = 60
_TRAINING_AT_MOST_S = 12 * 3600
"""A lease for training holds for so long: nobody trains beside one that is at it."""
_TELL_EVERY_S = 5
_STOP_TIMEOUT_S = 2.0
_SOONEST_S = 2.0
"""On a fast clock a job is due again no sooner than so many seconds of the machine's."""
_SOONEST_SCORED_S, _SOONEST_COUNTED_S, _SOONEST_REVIEWED_S = 30.0, 10.0, 60.0
"""The same for what looks at every robot, at every case, and at all that models said."""
_LAG_S = 8.0
"""So long it may take until the list of devices says that one was heard: on a fast clock hours of it."""


class Jobs:
    """The schedule of one process; a context manager that starts and stops it."""

    def __init__(self, services: Services, scorer: Scorer | None = None) -> None:
        self._services = services
        self._scorer = scorer
        self._care = ModelCare(services, self._used) if scorer is not None else None
        self._notices = NoticeJobs(services)
        self._scoring = Lock()
        self._ending = False
        shared = services.settings.desk.url is not None
        self._leases = Leases(services.desk, services.clock) if shared else None
        self._claim: Claim = self._leases.claim if self._leases else alone
        self._speed = services.settings.simulator.speed
        self._wrong: dict[str, str] = {}
        self._hours = HourlyRules(services.store, services.alerts, services.clock)
        self._scheduler = BackgroundScheduler(
            timezone=UTC, job_defaults={"coalesce": True, "max_instances": 1, "misfire_grace_time": None}
        )
        self._stars = StarsJudge(services.desk, services.service, services.clock)
        self._late: set[str] = set()
        self._scheduler.add_listener(self._took_long, EVENT_JOB_MAX_INSTANCES)

    def __enter__(self) -> "Jobs":
        settings = self._services.settings
        self.every(settings.alerts.check_every_s, "check for absence", self.check)
        self.every(_HOURS_EVERY_S, "judge hours", self._hours.run)
        self.every(_RECOUNT_EVERY_S, "reckon clocks", self.recount, soonest_s=_SOONEST_COUNTED_S)
        self.every(_INDICATORS_EVERY_S, "care for indicators", self.indicators, soonest_s=_SOONEST_COUNTED_S)
        self.every(_UPKEEP_EVERY_S, "plan maintenance", self.upkeep)
        self.every(_REPLAN_EVERY_S, "plan days anew", self.replan)
        self.every(_STOCK_EVERY_S, "end reservations", self._services.stock.expire)
        self.every(_COMMANDS_EVERY_S, "end commands", self._services.commands.end_overdue)
        self.every(_TELL_EVERY_S, "care for alerts", self.care)
        self.every(_EXPIRE_EVERY_S, "expire", self.expire)
        self.every(_ROLL_OUT_EVERY_S, "roll out firmware", build_mover(self._services).move_on)
        self.every(
            _FORGET_EVERY_S, "forget personal data", self.forget_personal, soonest_s=_SOONEST_COUNTED_S
        )
        self.every(_NOTICES_EVERY_S, "follow up notices", self._notices.follow_up)
        self.every(_TEST_EVERY_S, "test destinations", self._notices.test_all)
        self.every(_ERASE_EVERY_S, "erase what was asked", self.personal().carry_out)
        self.every(_REMARKS_EVERY_S, "read remarks", self._services.closing.remarks.open_tasks)
        self.every(_STARS_EVERY_S, "judge engineers", self._stars.tick)
        if self._scorer is not None:
            self.every(settings.models.score_every_s, "score", self.score, soonest_s=_SOONEST_SCORED_S)
        if self._care is not None:
            soonest = _SOONEST_REVIEWED_S
            self.every(_REVIEW_EVERY_S, "review models", self.review, soonest_s=soonest)
            self.every(_REVIEW_EVERY_S, "train challengers", self.retrain, _TRAINING_AT_MOST_S, soonest)
        if self._leases is not None:
            self.every(settings.alerts.check_every_s, "follow others", self._services.alerts.reload, None)
        self._scheduler.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._ending = True
        self._scheduler.shutdown(wait=False)
        # A pass under way still needs the stores: wait for it, but not for ever.
        if self._scoring.acquire(timeout=_STOP_TIMEOUT_S):
            self._scoring.release()
        if self._leases is not None:
            self._leases.leave()

    def troubles(self) -> dict[str, str | None]:
        """Return for each job what went wrong the last time, None when nothing did."""
        return {job.name: self._wrong.get(job.name) for job in self._scheduler.get_jobs()}

    def every(
        self,
        seconds: int,
        name: str,
        job: Callable[[], object],
        lease_s: int | None = 0,
        soonest_s: float = _SOONEST_S,
    ) -> None:
        """Do `job` every so many seconds; an error that people can mend is logged, and it is tried again.

        On a fast clock they are its seconds, and at least `soonest_s` of the machine's. Of several processes
        one does it; its lease is for a job due every `lease_s` (0: as it is). None: all do it, each for
        itself.
        """
        real = seconds if self._speed == 1 else max(seconds / self._speed, soonest_s)
        again = min(real, _AGAIN_AT_MOST_S)

        def run() -> None:
            try:
                if lease_s is None or self._claim(name, lease_s or seconds):
                    job()
                self._wrong.pop(name, None)
            except SweepwatchError as problem:
                self._wrong[name] = str(problem)
                level = logging.INFO if self._ending else logging.WARNING
                log.log(level, "%s: %s; trying again in %.0f s", name, problem, again)
                if not self._ending:
                    soon = datetime.now(UTC) + timedelta(seconds=again)
                    self._scheduler.modify_job(name, next_run_time=soon)
            finally:
                self._late.discard(name)

        self._scheduler.add_job(
            run,
            "interval",
            seconds=real,
            id=name,
            name=name,
            next_run_time=datetime.now(UTC) + timedelta(seconds=1),
        )

    def _took_long(self, event: JobSubmissionEvent) -> None:
        """Say once of each run that it is still under way when the next one is due: that one is left out."""
        if event.job_id not in self._late:
            self._late.add(event.job_id)
            # On a fast clock it is due as soon as can be.
            level = logging.WARNING if self._speed == 1 else logging.DEBUG
            log.log(level, "%s takes longer than the time until it is due again", event.job_id)

    def score(self) -> int:
        """Score every robot, judge the risks, and return how many there were."""
        assert self._scorer is not None  # scheduled and called only with one
        with self._scoring:
            scoring = self._scorer.score()
            alerts = self._services.alerts
            alerts.observe_risks(scoring.notable(alerts.followed(), alerts.wanted()))
            return len(scoring)

    def review(self) -> None:
        """Look for drift, and move the trials of challengers on."""
        if self._care is not None:
            self._care.review()

    def retrain(self) -> None:
        """Train challengers when that is due."""
        if self._care is not None:
            self._care.retrain(lambda: self._ending)

    def _used(self) -> InUse:
        assert self._scorer is not None  # asked only by the care of a process that scores
        with self._scoring:
            return self._scorer.in_use()

    def check(self) -> None:
        """Let time pass for the alerts, for tickets that cleared, for clocks and for follow-ups."""
        lag = 0 if self._speed == 1 else round(_LAG_S * 1000 * self._speed)
        self._services.alerts.tick(self._services.clock.now_ms() - lag)
        self._services.tickets.close_cleared(self._services.clock.now_ms())
        self._services.clock_sweep.tick(self._services.clock.now_ms())
        self._services.follow_up_sweep.tick(self._services.clock.now_ms())

    def recount(self) -> None:
        """Reckon clocks anew: the policy, its calendars or the clock of a site may be others by now."""
        services = self._services
        moved = Recount(services.desk, services.clocks).all(services.clock.now_ms())
        if moved:
            log.info("%d open tickets are due at another time than before", moved)

    def indicators(self) -> None:
        """Keep facts of cases without, all anew once a night; open the tasks of the last month."""
        services = self._services
        services.facts.fill()
        zone = ZoneInfo(services.settings.server.time_zone)
        at = datetime.fromtimestamp(services.clock.now_ms() / 1000, zone)
        if at.hour == _RECOUNT_FACTS_AT and (different := services.facts.recount()):
            log.warning("%d cases were not counted as they stand; they are now", different)
        services.reports.open_tasks()

    def upkeep(self) -> None:
        """Open the maintenance that is due soon, and draw the samples of what is inspected."""
        services = self._services
        opened = services.work.maintenance.tick(run_hours(services.store, services.clock.now_ms()))
        chosen = services.work.inspections.tick()
        if opened or chosen:
            log.info("%d tickets of maintenance opened, %d cases chosen for inspection", opened, chosen)

    def replan(self) -> None:
        """Plan the days anew in which something changed."""
        for made in self._services.replanner.tick():
            why = ", ".join(sorted({str(each.cause) for each in made.causes}))
            log.info("plan %d of %s changes %d visits: %s", made.id, made.day, len(made.changes), why)

    def care(self) -> None:
        """Let what is due be told: escalated, reminded of, expired, released."""
        self._services.sweep.tick(self._services.clock.now_ms())

    def personal(self) -> PersonalData:
        """Return what works on the data of people."""
        services = self._services
        return PersonalData(services.desk, services.store, services.signals, services.clock)

    def forget_personal(self) -> None:
        """Let personal data be gone that are too old, or came in while they were erased."""
        personal = self.personal()
        personal.forget_older(self._services.settings.store.personal_retention_days)
        personal.carry_out(again=True)
        before = self._services.clock.now_ms() - self._services.settings.desk.words_retention_days * DAY_MS
        with self._services.desk.transaction() as session:
            emptied = forget_customers_words(session, before)
            files = forget_files(session, before)
        if files:
            log.info("%d files of cases from long ago are gone", files)
        if emptied:
            log.info("what customers wrote long ago is gone from %d rows", emptied)

    def expire(self) -> None:
        """Delete readings, risks and evidence of what was turned away that are older than their retention."""
        store = self._services.settings.store
        now = self._services.clock.now_ms()
        days = (store.retention_days, store.risk_retention_days, store.tile_retention_days)
        retention = Retention(*(each * DAY_MS for each in days))
        evidence_days = self._services.settings.ingest.quarantine_days
        for evidence in (Quarantine, DroppedValues, TopicsBeside):
            evidence(self._services.desk).expire(evidence_days, now)
        self._services.commands.forget(now - store.retention_days * DAY_MS)
        with self._services.desk.transaction() as session:
            forget_uploads(session, now)
            forget_proposals(session, now - _PLANS_KEPT_MS)
        gone = self._services.store.expire(retention, now)
        if gone:
            log.info("%d readings expired", gone)
