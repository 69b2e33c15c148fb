"""Every route x every role x own site and foreign site, nobody, a token that is over, a scope that is wrong.

Made from the application's own routes: a new one without a permission fails here.
"""

import json
from collections.abc import Iterator, Mapping
from datetime import date
from typing import Any

import pytest
from fastapi.routing import RouteContext
from fastapi.testclient import TestClient
from helpers.api import (
    NOW,
    House,
    add_device,
    add_readings,
    add_risks,
    anonymous,
    client_of,
    open_house,
    raise_alert,
    signed_in,
)
from helpers.care_rows import add_incident
from helpers.routes import knows_who_acts, permissions_of, routes_of

from access.firmware.planning import Asked as PlannedRollout
from access.permissions import ALLOWED
from access.tokens import Asked
from alerts.judging.rule_file import rules_text
from desk.files.checked import Checked
from desk.parts.stock import Moving
from fleet.case_files import FileKind
from fleet.clock import DAY_MS
from fleet.commands import Command, CommandState
from fleet.customers import Contract, Customer, PlanName
from fleet.engineers import Engineer
from fleet.grants import Permission, Role
from fleet.mutes import Matcher, Mute
from fleet.outbox import Notice, NoticeState
from fleet.part_catalogue import Part
from fleet.people import RoleAt, Scope
from fleet.principals import schedule
from fleet.regions import Region
from fleet.requests import Channel, NewRequest
from fleet.rollouts import Firmware
from fleet.service import InspectionLevel
from fleet.sites import Site
from fleet.stock import StockPlace
from notify.duty.planning import Hours
from storage.records.commands import add_commands
from storage.records.inspections import Finished, add_inspections
from storage.records.notices import write_notices
from storage.records.people import add_person
from storage.records.sites import describe_site
from sweepwatch.settings.server import ServerSettings
from sweepwatch.settings.settings import Settings
from sweepwatch.wiring import build
from sweepwatch.wiring_api import build_api

OWN, FOREIGN = "pudong", "elsewhere"
OPEN = {
    ("GET", "/healthz"),
    ("GET", "/readyz"),
    ("GET", "/worker.js"),
    ("GET", "/sign-in"),
    ("POST", "/sign-in"),
    ("GET", "/sign-in/code"),
    ("POST", "/sign-in/code"),
    ("GET", "/sign-in/provider"),
    ("GET", "/sign-in/provider/back"),
    ("GET", "/enter/{secret}"),
    ("POST", "/enter/{secret}"),
    ("GET", "/n/{secret}"),
    ("GET", "/r/{secret}"),
    ("POST", "/r/{secret}"),
    ("POST", "/n/{secret}/seen"),
    ("POST", "/n/{secret}/acknowledge"),
    ("GET", "/f/{secret}"),
    ("POST", "/f/{secret}"),
    ("GET", "/c/{secret}"),
    ("POST", "/c/{secret}"),
    ("GET", "/a/{secret}"),
    ("POST", "/a/{secret}"),
}
"""What anybody may ask for: whether it lives, and to be let in."""
ANYBODY = {
    ("GET", "/api/v1/me"),
    ("GET", "/account"),
    ("GET", "/account/second-factor"),
    ("POST", "/account/second-factor/begin"),
    ("POST", "/account/second-factor/confirm"),
    ("POST", "/account/second-factor/codes"),
    ("POST", "/account/second-factor/off"),
    ("POST", "/sign-out"),
    ("POST", "/account/sessions/{key}/end"),
    ("POST", "/account/password"),
    ("POST", "/account/sign-out-everywhere"),
    ("GET", "/account/notices"),
    ("POST", "/account/notices"),
    ("GET", "/account/notices/browser"),
    ("POST", "/account/notices/browser"),
    ("POST", "/account/notices/wishes"),
    ("POST", "/account/notices/{destination_id}/first"),
    ("POST", "/account/notices/{destination_id}/test"),
    ("POST", "/account/notices/{destination_id}/remove"),
    ("GET", "/api/v1/me/destinations"),
    ("POST", "/api/v1/me/destinations"),
    ("DELETE", "/api/v1/me/destinations/{destination_id}"),
    ("POST", "/api/v1/me/destinations/{destination_id}/first"),
    ("POST", "/api/v1/me/destinations/{destination_id}/test"),
    ("GET", "/api/v1/me/wishes"),
    ("PUT", "/api/v1/me/wishes"),
}
"""What anybody who was let in may ask for, of themselves."""
WHOLE = {
    "/tasks/{task_id}/done",
    "/rules/edit",
    "/rules/versions/{version}",
    "/rules/versions/{version}/activate",
    "/api/v1/rules/check",
    "/api/v1/rules/test",
    "/api/v1/rules/backtest",
    "/api/v1/rules/versions",
    "/api/v1/rules/versions/{version}",
    "/api/v1/rules/versions/{version}/activate",
    "/metrics",
    "/api/v1/ingest/ledger",
    "/api/v1/ingest/topics-beside",
    "/ingest/beside",
    "/destinations",
    "/destinations/{destination_id}/test",
    "/destinations/{destination_id}/remove",
    "/api/v1/destinations",
    "/api/v1/destinations/{destination_id}",
    "/api/v1/destinations/{destination_id}/test",
}
RULES = rules_text()[: rules_text().index("  # Its level is that of the code")]
"""The first of them: trying the examples of all takes its time."""
PLAN = "/api/v1/duty/plan"
WHOLE |= {"/duty/plan", PLAN, f"{PLAN}/check", f"{PLAN}/versions", f"{PLAN}/versions/{{number}}"}
WHOLE |= {"/indicators/tasks/{task_id}/done", "/api/v1/indicators/tasks/{task_id}/done"}
"""What is of no site: a role that holds at some sites is not enough."""
REPORTS = {
    "/api/v1/tickets",
    "/api/v1/complaints",
    "/api/v1/movements",
    "/api/v1/reservations",
    "/api/v1/orders",
}
WHOLE |= {"/api/v1/lists/{kind}", "/api/v1/lists/{kind}.csv", "/lists", "/lists/{kind}.csv"}
WHOLE |= {"/lists/{kind}", "/lists/{kind}/take", "/api/v1/history/cases"}
PROOF, PROVED = "/api/v1/proofs/{proof_id}", "/prove/{proof_id}"
WHOLE |= {"/api/v1/proofs", "/api/v1/proofs/upload", PROOF, f"{PROOF}/again", f"{PROOF}/report/{{file}}"}
WHOLE |= {"/prove", "/prove/upload", PROVED, f"{PROVED}/again", f"{PROVED}/delete"}
WHOLE |= {f"{PROVED}/cases/{{number}}.svg"}
WHOLE_CHANGES = {
    *(f"PUT /api/v1/{each}" for each in ("customers/{customer_id}", "contracts/{contract_number}")),
    *(f"PUT /api/v1/{each}" for each in ("engineers/{engineer_id}", "regions/{region_id}", "parts/{code}")),
    *(f"POST /{each}" for each in ("customers", "customers/{customer_id}", "engineers/{engineer_id}")),
    *(f"POST /{each}" for each in ("customers/{customer_id}/contracts", "engineers", "regions")),
}
"""What is of no site: a role that holds at some sites is not enough; of some routes only to change it."""
IMAGE = {"version": "9.0", "url": "https://fw.example.org/9", "sha256": "ab" * 32, "size": 1}
OVERRIDE: dict[str, Any] = {"schedule": "SITE", "person": None, "reason": "now"}
LATER = NOW + 90 * DAY_MS
SOON = "2026-11-23T12:00:00Z"
SCHEDULE = (
    "  - {{name: {0}, zone: UTC, sites: [{0}], layers: "
    "[{{name: a, people: [a@x.org], start: 2026-11-01, every: day, handover: '08:00'}}]}}\n"
)
"""A schedule of a site, called as it is."""
DUTY = "schedules:\n" + "".join(SCHEDULE.format(site) for site in (OWN, FOREIGN))
BODIES: Mapping[str, dict[str, Any]] = {
    "/api/v1/tickets": {"device_id": "DEVICE", "fault": "brush_jam", "reason": "it squeals"},
    "/api/v1/tickets/{ticket_id}": {"state": "accepted", "reason": "now"},
    "/api/v1/tickets/{ticket_id}/keep-open": {"reason": "now"},
    "/api/v1/tickets/{ticket_id}/comments": {"text": "now"},
    "/api/v1/tickets/{ticket_id}/owner": {"person": 1, "reason": "now"},
    "/api/v1/tickets/{ticket_id}/links": {"other": 1},
    "/api/v1/tickets/{ticket_id}/merge": {"into": 1, "reason": "now"},
    "/api/v1/tickets/{ticket_id}/split": {"faults": ["brush_jam"], "device_id": "DEVICE", "reason": "now"},
    "/api/v1/tickets/{ticket_id}/checklist/{item}": {"done": True},
    "/api/v1/tickets/{ticket_id}/late/{milestone}": {"cause": "no_part"},
    "/api/v1/history/cases": {"cases": [{"device_id": "R1", "opened": 1740960000000}], "dry_run": True},
    "/api/v1/tickets/bulk": {"ids": [1], "state": "accepted"},
    "/api/v1/devices/{device_id}/maintenance/{plan}/skip": {"reason": "now"},
    "/devices/{device_id}/maintenance/skip": {"plan": "quarter", "why": "now"},
    "/tickets/{ticket_id}/maintenance": {"plan": "quarter"},
    "/api/v1/inspections/{inspection_id}": {"items": []},
    "/api/v1/complaints": {"device_id": "DEVICE", "words": "nobody came"},
    "/api/v1/complaints/{ticket_id}/class": {"class": "urgent", "reason": "now"},
    "/api/v1/complaints/{ticket_id}/plan": {"plan": "a new brush"},
    "/api/v1/complaints/{ticket_id}/arrival": {"reason": "now"},
    "/api/v1/tickets/{ticket_id}/feedback": {"score": 5, "solved": True},
    "/api/v1/tickets/{ticket_id}/consent-link": {"offer": "free"},
    "/api/v1/tickets/{ticket_id}/consent": {"answer": "yes"},
    "/api/v1/tickets/{ticket_id}/assignment": {"engineer": "ENGINEER", "arrives": SOON, "reason": "now"},
    "/api/v1/tickets/{ticket_id}/assignment/release": {"reason": "now"},
    "/api/v1/tickets/{ticket_id}/assignment/hold": {"held": True, "reason": "now"},
    "/api/v1/tickets/{ticket_id}/appointment/answer": {"answer": "confirmed"},
    "/tickets/{ticket_id}/dispatch": {"engineer": "ENGINEER", "arrives": "2026-11-23T12:00", "why": "now"},
    "/api/v1/engineers/{engineer_id}/absences": {"begins": SOON, "ends": "2026-11-24T12:00:00Z"},
    "/engineers/{engineer_id}/absences": {"first": "2026-11-23", "last": "2026-11-23"},
    "/my-day/{ticket_id}": {"state": "accepted"},
    "/api/v1/tickets/{ticket_id}/on-the-spot": {"device_id": "DEVICE"},
    "/api/v1/dispatch/plans/{plan_id}/apply": {"tell": False},
    "/api/v1/tickets/{ticket_id}/visit": {"minutes": 30},
    "/api/v1/follow-ups/{follow_up_id}/done": {"said": "called"},
    "/api/v1/hooks/reports": {"device": "DEVICE", "words": "it squeals"},
    "/api/v1/requests/{request_id}/place": {"device_id": "DEVICE"},
    "/api/v1/requests/{request_id}/fault": {"fault": "brush_jam"},
    "/api/v1/requests/{request_id}/dismiss": {"reason": "now"},
    "/api/v1/alerts/{alert_id}/acknowledge": {"reason": "now"},
    "/api/v1/alerts/{alert_id}/resolve": {"reason": "now"},
    "/api/v1/alerts/{alert_id}/notes": {"text": "looked at it"},
    "/api/v1/incidents/{incident_id}/acknowledge": {"reason": "now"},
    "/api/v1/incidents/{incident_id}/notes": {"text": "looked at it"},
    "/api/v1/mutes": {"matcher": {"device": "DEVICE"}, "until_resolved": True, "reason": "now"},
    "/api/v1/mutes/preview": {"matcher": {"device": "DEVICE"}, "until_resolved": True, "reason": "now"},
    "/api/v1/devices/{device_id}/personal/erasures": {"reason": "asked for"},
    "/api/v1/devices/{device_id}": {"model": "CR-200"},
    "/api/v1/devices": {"id": "NEW", "site": OWN},
    "/api/v1/devices/import": {"devices": [{"id": "NEW-1", "site": OWN}]},
    "/api/v1/devices/{device_id}/credentials": {"credential": "password"},
    "/api/v1/devices/{device_id}/credentials/revoke": {"reason": "now"},
    "/api/v1/devices/{device_id}/move": {"site": "SITE", "reason": "now"},
    "/api/v1/devices/{device_id}/replace": {"serial": "S2", "reason": "now"},
    "/api/v1/claims": {"serial": "S1", "code": "NONE", "site": OWN},
    "/api/v1/devices/{device_id}/commands": {"command": "dock", "reason": "now"},
    "/api/v1/devices/{device_id}/commands/{command_id}/cancel": {"reason": "now"},
    "/api/v1/commands": {"command": "dock", "reason": "now", "device_ids": ["DEVICE"]},
    "/api/v1/people/{person_id}": {},
    "/api/v1/sites/{site_id}": {"region": "REGION", "customer": "CUSTOMER"},
    "/sites/{site_id}": {"region": "REGION", "customer": "CUSTOMER"},
    "/api/v1/contracts/{contract_number}": {"customer": "CUSTOMER", "plan": "gold", "begins": "2026-01-01"},
    "/api/v1/engineers/{engineer_id}": {"name": "Li Wei", "region": "REGION"},
    "/api/v1/firmware/rollouts": {"firmware": IMAGE, "model": "CR-200"},
    **{
        f"/api/v1/firmware/rollouts/{{rollout_id}}/{step}": {"reason": "now"}
        for step in ("start", "pause", "resume", "skip", "roll-back", "cancel")
    },
    "/api/v1/rules/check": {"document": RULES},
    "/api/v1/rules/test": {"document": RULES},
    "/api/v1/rules/backtest": {"version": 0, "days": 1},
    "/api/v1/rules/versions": {"document": RULES, "note": "now"},
    "/api/v1/rules/versions/{version}/activate": {"reason": "now"},
    PLAN: {"text": DUTY, "after": 1, "reason": "now"},
    f"{PLAN}/check": {"text": DUTY},
    "/api/v1/duty/overrides": {
        "schedule": "SITE",
        "person": None,
        "begins": 0,
        "ends": LATER,
        "reason": "now",
    },
    "/api/v1/duty/overrides/{override_id}/end": {"reason": "now"},
    "/api/v1/movements": {"kind": "received", "place": "PLACE", "part": "P1", "quantity": 9},
    "/api/v1/reservations": {"ticket": "TICKET", "part": "P1", "places": ["PLACE"]},
    "/api/v1/places/{place_id}": {"region": "REGION"},
    "/api/v1/orders": {"part": "P1", "place": "PLACE", "quantity": 1},
    "/api/v1/orders/{order_id}/order": {"expected": None},
    "/api/v1/orders/{order_id}/arrive": {"quantity": 1},
    "/api/v1/orders/{order_id}/cancel": {"reason": "now"},
    "/stock/places": {"id": "still-to-come", "kind": "depot", "region": "REGION"},
    "/stock/places/{place_id}": {"kind": "depot", "region": "REGION"},
    "/stock/places/{place_id}/movements": {"kind": "received", "part": "P1", "quantity": "1"},
    "/stock/places/{place_id}/count/{part}": {"on_hand": "9"},
    "/orders": {"part": "P1", "place": "PLACE", "quantity": "1"},
    "/api/v1/reservations/{reservation_id}/release": {"reason": "now"},
    "/mutes": {"device": "DEVICE", "long": "1h", "why": "now"},
    "/sites": {"id": "still-to-come"},
    "/tokens": {"name": "t", "scope": "fleet:read", "days": "1"},
    "/api/v1/hooks/alertmanager": {
        "version": "4",
        "alerts": [
            {
                "status": "firing",
                "labels": {"device_id": "DEVICE"},
                "startsAt": "2026-11-22T07:00:00Z",
                "fingerprint": "f1",
            }
        ],
    },
    "/api/v1/tokens": {"name": "t", "scopes": ["fleet:read"], "days": 1},
    "/api/v1/proofs": {"source": "folder", "folder": "none"},
    "/prove": {"source": "folder", "folder": "none"},
}
OF_SITES = (
    "{override_id}",
    "{site_id}",
    "{device_id}",
    "{ticket_id}",
    "{alert_id}",
    "{rollout_id}",
    "{notice_id}",
    "{mute_id}",
    "{incident_id}",
    "{customer_id}",
    "{contract_number}",
    "{region_id}",
    "{engineer_id}",
    "{request_id}",
    "{inspection_id}",
    "{place_id}",
    "{reservation_id}",
    "{order_id}",
    "{plan_id}",
    "{absence_id}",
)


def _routes() -> list[tuple[str, str]]:
    """Return method and path of every route: the application is built once for their list."""
    import tempfile
    from contextlib import closing
    from pathlib import Path

    from fleet.clock import ManualClock
    from sweepwatch.data_folder import open_data_folder

    with tempfile.TemporaryDirectory() as folder, closing(open_data_folder(Path(folder))) as data:
        services = build(Settings(data=Path(folder)), data, ManualClock(NOW))
        with closing(services):
            app = build_api(services, None, dict)
            return sorted((m, r.path_format) for r in routes_of(app) for m in r.methods or ())


ROUTES = _routes()
CHANGES = [each for each in ROUTES if each[0] != "GET" and each not in OPEN]
GUARDED = [each for each in ROUTES if each not in OPEN and each not in ANYBODY]


def plan_duty(house: House) -> None:
    """Plan a schedule of each site, with an override."""
    planning = house.app.state.services.planning
    with house.desk.transaction() as session:
        add_person(session, "a@x.org", "Ada", NOW, [])
    planning.apply(DUTY, 0, schedule("tests"), "why")
    for site in (OWN, FOREIGN):
        planning.override(Hours(site, None, NOW, NOW + 30 * DAY_MS), schedule("tests"), "why", None)


def a_command(number: int, device_id: str) -> Command:
    """Return a command that waits; its id says whose it is (1: ours)."""
    by, ends = schedule("tests"), NOW + DAY_MS
    return Command(f"c{number}", device_id, "dock", {}, CommandState.QUEUED, by, "why", NOW, ends, ends)


def a_notice(site: str) -> Notice:
    """Return a dead notice of a site."""
    key = f"1:person:1:{site}"
    dead = NoticeState.DEAD
    return Notice(0, key, 1, "alert", "1", site, "person:1", 1, None, dead, "undelivered", NOW, NOW)


def describe_service(house: House) -> None:
    """Describe for each site its customer with a contract, its region, and an engineer there."""
    book, by = house.app.state.services.service, schedule("tests")
    for site, customer, region, engineer in (
        (OWN, "own-c", "east", "own-e"),
        (FOREIGN, "FOREIGN", "FOREIGN-r", "FOREIGN"),
    ):
        with house.desk.transaction() as session:
            describe_site(session, Site(site, region=region, customer=customer))
        book.customer(Customer(customer), by)
        number = "own-k" if site == OWN else "FOREIGN"
        book.contract(Contract(number, customer, PlanName.GOLD, date(2026, 1, 1)), by)
        book.engineer(Engineer(engineer, "Li Wei", region=region), by)
        book.region(Region(region), by)
    book.part(Part("P1"), by)


def stock_parts(house: House) -> None:
    """Put a part at a place of each region, hold one for each case, and order one."""
    parts, by = house.app.state.services.parts, schedule("tests")
    for number, place, region in ((1, "own-p", "east"), (2, "FOREIGN-p", "FOREIGN-r")):
        parts.stock.place(StockPlace(place, region=region), by)
        parts.stock.receive(Moving(place, "P1", 5), by)
        parts.stock.reserve(number, "P1", 1, [place], by)
        parts.orders.propose("P1", place, 1, by)


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    # As many bad tokens as all these routes are shown in a minute would be too many.
    server = ServerSettings(requests_per_minute=0, sign_ins_per_minute=0, refusals_per_minute=0)
    with open_house(tmp_path_factory.mktemp("house"), server=server) as made:
        with made.desk.transaction() as session:  # before what alerts have told: they are number 1 and 2
            write_notices(session, [a_notice(OWN), a_notice(FOREIGN)])
        for device, site in (("R1", OWN), ("R2-FOREIGN", FOREIGN)):
            add_device(made, device, site=site, risk=0.9, fault="brush_jam", risk_ts=NOW)
            add_readings(made, device, days=0.1)
            add_risks(made, device, {"brush_jam": 0.9}, days=1)
            raise_alert(made, device, "brush_jam", 0.9)
            plan = PlannedRollout(Firmware(**IMAGE), "CR-200", frozenset({site}))
            mute = Mute(0, Matcher(site=site), NOW, NOW + DAY_MS, "why", "", NOW)
            made.app.state.services.care.mute(mute, schedule("tests"))
            with made.desk.transaction() as session:
                add_incident(session, site, device, NOW)
            made.app.state.services.rollouts.create(plan, schedule("tests"), None)
        with made.desk.transaction() as session:
            add_commands(session, [a_command(1, "R1"), a_command(2, "R2-FOREIGN")])
            for number, device, site in ((1, "R1", OWN), (2, "R2-FOREIGN", FOREIGN)):
                case = Finished(number, site, device, "", "")
                add_inspections(session, InspectionLevel.LEADER, [case], NOW, NOW + DAY_MS)
        made.app.state.services.work.maintenance.tick()
        plan_duty(made)
        describe_service(made)
        stock_parts(made)
        for number, (site, engineer) in enumerate(((OWN, "own-e"), (FOREIGN, "FOREIGN")), 1):
            dispatch, absences = made.app.state.services.dispatch, made.app.state.services.absences
            assert dispatch.propose(schedule("tests"), sites=frozenset({site})).id == number
            assert absences.away(engineer, NOW, NOW + DAY_MS, schedule("tests")).id == number
        for number, device in enumerate(("R1", "R2-FOREIGN"), 1):  # each with a file
            file = Checked(f"{number}.jpg", FileKind.PHOTO, "image/jpeg", b"x", b"x")
            said = NewRequest(Channel.STAFF, "it squeals", device_id=device)
            made.app.state.services.intake.reports.take(said, schedule("tests"), [file])
        for each in ("first", "second"):  # what the routes of tokens speak of
            made.doors.tokens.make(Asked(each, (Permission.FLEET_READ,)), schedule("tests"))
        yield made


@pytest.fixture(scope="module")
def browsers(house: House) -> dict[Role, TestClient]:
    """Return for each role a token's client that has it at one site; what a session may is the same table."""
    found = {}
    for role in Role:
        scopes = tuple(ALLOWED[role])
        found[role] = client_of(house, *scopes, sites=None if role is Role.ADMIN else frozenset({OWN}))
    return found


def route_of(house: House, method: str, path: str) -> RouteContext:
    return next(r for r in routes_of(house.app) if r.path_format == path and method in (r.methods or ()))


def ask(client: TestClient, method: str, path: str, number: int) -> Any:
    """Ask a route about what is ours (1) or foreign (2)."""
    device = {1: "R1", 2: "R2-FOREIGN"}[number]
    given = {"device_id": device, "ticket_id": number, "alert_id": number, "model_id": "none"}
    given |= {
        "signal": "battery_pct",
        "fault": "brush_jam",
        "command_id": f"c{number}",
        "secret": "none",
        "key": "0" * 64,
        "action": "resolve",
        "site_id": {1: OWN, 2: FOREIGN}[number],
    }
    given |= {"mute_id": number, "incident_id": number}
    given |= {"person_id": 1, "token_id": 1, "rollout_id": number, "step": "pause", "version": 0}
    given |= {"notice_id": number, "destination_id": 1, "override_id": number, "number": 1}
    given |= {"kind": "parts", "code": "P1", "indicator_id": "opened", "month": "2026-11", "task_id": 1}
    given |= {"follow_up_id": number, "request_id": number, "file_id": number}
    given |= {"plan": "quarter", "inspection_id": number, "plan_id": number}
    given |= {"place_id": {1: "own-p", 2: "FOREIGN-p"}[number], "part": "P1"}
    given |= {"absence_id": number, "proof_id": number, "file": "prove.pdf"}
    given |= {"reservation_id": number, "order_id": number}
    given |= {"other": number, "item": "arrival.badge", "milestone": "respond"}
    ours = {"customer_id": "own-c", "contract_number": "own-k", "engineer_id": "own-e", "region_id": "east"}
    theirs = {name: {"east": "FOREIGN-r"}.get(each, "FOREIGN") for name, each in ours.items()}
    given |= {1: ours, 2: theirs}[number]
    named = {"DEVICE": device, "SITE": given["site_id"], "PLACE": given["place_id"], "TICKET": number}
    named |= {"REGION": given["region_id"], "CUSTOMER": given["customer_id"]}
    named |= {"ENGINEER": given["engineer_id"]}

    def filled(value: Any) -> Any:
        if isinstance(value, list):
            return [filled(one) for one in value]
        if isinstance(value, dict):
            return {name: filled(one) for name, one in value.items()}
        return named.get(value, value) if isinstance(value, str) else value

    body = {name: filled(value) for name, value in BODIES.get(path, {}).items()}
    address = path.format_map(given)
    if path.startswith("/api/"):
        return client.request(method, address, json=body or None, follow_redirects=False)
    return client.request(method, address, data=body or None, follow_redirects=False)


def test_every_route_has_a_door(house: House) -> None:
    for method, path in ROUTES:
        route = route_of(house, method, path)
        if (method, path) in OPEN:
            continue
        if (method, path) not in ANYBODY:
            assert len(permissions_of(route)) == 1, f"{method} {path} needs one permission"
        if method != "GET":
            assert knows_who_acts(route), f"{method} {path} does not ask who acts"


@pytest.mark.parametrize(("method", "path"), GUARDED + sorted(ANYBODY))
def test_nobody_comes_in(house: House, method: str, path: str) -> None:
    over = house.doors.tokens.make(Asked("over", tuple(Permission), None, 1), schedule("tests"))[1]
    house.clock.ms += DAY_MS
    revoked, secret = house.doors.tokens.make(Asked("revoked", tuple(Permission)), schedule("tests"))
    house.doors.tokens.revoke(revoked.id, schedule("tests"))
    house.doors.forget()
    shown = [{}, *({"Authorization": f"Bearer {each}"} for each in (over, secret, "sw_x", "x"))]
    for headers in [*shown, {"Authorization": "Basic eDp5"}]:
        answer = ask(anonymous(house, headers), method, path, 1)
        if method == "GET" and not path.startswith(("/api/", "/metrics")):
            assert answer.status_code == 303
            assert answer.headers["location"].startswith("/sign-in?next=")
        else:
            assert answer.status_code == 401, (headers, answer.text)
            assert answer.headers["www-authenticate"] == "Bearer"
    house.clock.ms = NOW


@pytest.mark.parametrize(("method", "path"), GUARDED)
def test_roles_open_what_is_theirs_and_nothing_of_another_site(
    house: House, browsers: Mapping[Role, TestClient], method: str, path: str
) -> None:
    (permission,) = permissions_of(route_of(house, method, path))
    for role, client in browsers.items():
        own, foreign = ask(client, method, path, 1), ask(client, method, path, 2)
        if permission not in ALLOWED[role]:
            assert (own.status_code, foreign.status_code) == (403, 403), role
            continue
        if (path in WHOLE or f"{method} {path}" in WHOLE_CHANGES) and role is not Role.ADMIN:
            assert own.status_code == 403, role
            continue
        found = 404 if "{model_id}" in path else own.status_code
        assert own.status_code == found, (role, own.text)
        assert own.status_code not in (401, 403), (role, own.text)
        if role is Role.ADMIN:
            continue
        if any(part in path for part in OF_SITES) or (path in REPORTS and method == "POST"):
            assert foreign.status_code == 404, (role, foreign.text)
            assert own.status_code != 404, (role, own.text)
        assert FOREIGN not in own.text, role
        assert "FOREIGN" not in own.text, role


@pytest.mark.parametrize(("method", "path"), GUARDED)
def test_a_token_with_another_scope_is_refused(house: House, method: str, path: str) -> None:
    (permission,) = permissions_of(route_of(house, method, path))
    others = [each for each in Permission if each is not permission]
    assert ask(client_of(house, *others), method, path, 1).status_code == 403


@pytest.mark.parametrize(
    ("method", "path"), [each for each in ROUTES if each[0] != "GET" and each not in OPEN]
)
def test_a_browsers_change_is_refused_without_its_pages_token(house: House, method: str, path: str) -> None:
    client = signed_in(house, RoleAt(Role.ADMIN), email=f"{method}{abs(hash(path))}@example.org".lower())
    for headers in ({}, {"X-CSRF-Token": "x"}):
        client.headers.update(headers)
        answer = ask(client, method, path, 1)
        assert answer.status_code == 403, answer.text
        assert "another session" in answer.text


@pytest.mark.parametrize("scope", [Scope.SITE, Scope.REGION])
def test_a_session_reaches_the_sites_of_its_roles(house: House, scope: Scope) -> None:
    with house.desk.transaction() as session:
        describe_site(session, Site(OWN, region="east"))
        describe_site(session, Site(FOREIGN, region="west"))
    place = {Scope.SITE: OWN, Scope.REGION: "east"}[scope]
    client = signed_in(house, RoleAt(Role.VIEWER, scope, place), email=f"{scope}@example.org")
    items = client.get("/api/v1/devices").json()["items"]
    assert "R1" in [item["id"] for item in items]
    assert {item["site"] for item in items} == {OWN}
    assert client.get("/api/v1/devices/R2-FOREIGN").status_code == 404
    summary = client.get("/", headers={"accept": "text/html"}).text
    assert "FOREIGN" not in summary
    assert f" / {len(items)}</small>" in summary, "counts are of one's own sites"
    assert json.dumps(items).count(FOREIGN) == 0
