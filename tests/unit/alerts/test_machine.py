"""Whatever the order of observations: at most one open alert per device and fault, and memory is right."""

from collections import Counter
from pathlib import Path
from tempfile import TemporaryDirectory

from helpers.desk_rooms import NOON, a_risk, batch_of, open_rooms
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule
from sqlalchemy import select

from fleet.alerts import AlertState
from fleet.errors import Conflict
from fleet.principals import person
from fleet.signals import Kind
from storage.records.alerts import AlertRow

_DEVICES = st.sampled_from(["R1", "R2"])
_OFFSETS = st.integers(-100, 100).map(lambda step: step * 10_000)

LI = person("Li")


class AnyOrder(RuleBasedStateMachine):
    """Two robots, and everything that the engine may be told, in any order."""

    @initialize()
    def open(self) -> None:
        self.folder = TemporaryDirectory()
        self.rooms = open_rooms(Path(self.folder.name))

    @rule(
        rows=st.lists(
            st.tuples(
                _DEVICES,
                _OFFSETS,
                st.sampled_from([None, 20.0, 55.0, 61.0, 80.0]),
                st.sampled_from([None, 10.0, 80.0, 95.0]),
            ),
            min_size=1,
            max_size=8,
        )
    )
    def readings(self, rows: list[tuple[str, int, float | None, float | None]]) -> None:
        devices, offsets, temperatures, clogs = zip(*rows, strict=True)
        times = [NOON + offset for offset in offsets]
        batch = batch_of(Kind.ROBOT, devices, times, battery_temp_c=temperatures, filter_clog_pct=clogs)
        self.rooms.engine.observe(batch)

    @rule(
        device=_DEVICES,
        offset=_OFFSETS,
        risk=st.floats(0, 1),
        fault=st.sampled_from(["battery_overheat", "filter_clog", "comms_loss"]),
    )
    def scoring(self, device: str, offset: int, risk: float, fault: str) -> None:
        self.rooms.engine.observe_risks([a_risk(device, NOON + offset, risk, fault)])

    @rule(device=_DEVICES, status=st.sampled_from(["online", "offline"]))
    def message_arrives(self, device: str, status: str) -> None:
        self.rooms.heard(device, (self.rooms.clock.ms - NOON) / 1000, status)

    @rule(seconds=st.sampled_from([1, 40, 400, 2_000]))
    def time_passes(self, seconds: int) -> None:
        self.rooms.clock.advance(seconds * 1000)
        self.rooms.engine.tick(self.rooms.clock.ms)

    @rule(number=st.integers(0, 3), resolve=st.booleans())
    def person(self, number: int, resolve: bool) -> None:
        alerts = self.rooms.engine.open_alerts()
        if number < len(alerts):
            act = self.rooms.engine.resolve if resolve else self.rooms.engine.acknowledge
            try:
                act(alerts[number].id, LI, "looked at it")
            except Conflict:
                assert not resolve, "an open alert can always be resolved"

    @rule()
    def restart(self) -> None:
        self.rooms.restart()

    @invariant()
    def one_open_alert_each_and_memory_agrees_with_the_database(self) -> None:
        with self.rooms.desk.transaction() as session:
            rows = session.scalars(select(AlertRow)).all()
        open_rows = [row for row in rows if row.state != "resolved"]
        stored = {row.id: (row.state, row.reason, row.opens_ticket) for row in open_rows}
        followed = {
            int(alert.id): (alert.state, alert.reason, alert.opens_ticket)
            for alert in self.rooms.engine.open_alerts()
        }
        assert followed == stored
        each = Counter((row.device_id, row.fault) for row in open_rows)
        assert max(each.values(), default=0) <= 1
        assert all((row.state == "resolved") == (row.resolved_at is not None) for row in rows)
        last_event = {int(event.subject_id): event.after for event in self.rooms.told}
        assert last_event == {row.id: row.state for row in rows}, "each change left its event"

    @invariant()
    def what_fired_is_told_once(self) -> None:
        told = Counter(
            alert.id for alert in self.rooms.fired if not alert.reason.startswith(("wanted_by", "seen_by"))
        )
        assert max(told.values(), default=0) <= 1
        assert all(alert.state is not AlertState.PENDING for alert in self.rooms.fired)

    def teardown(self) -> None:
        if hasattr(self, "rooms"):
            self.rooms.desk.close()
            self.folder.cleanup()


TestAnyOrder = AnyOrder.TestCase
TestAnyOrder.settings = settings(
    max_examples=15,
    stateful_step_count=15,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
)
