"""The rules: what is at work, the versions, and how a proposed document would do."""

from fastapi import APIRouter, Response

from alerts.backtest.backtest import Asked
from alerts.judging.doubts import doubts
from alerts.rule_diff import RuleChange, rule_changes
from api.doors import Acting, ChangesRules, SeesFleet
from api.idempotency import BUSY, IdempotencyKey, once, operation_of
from api.queries.rules import backtest_item, rule_item, rules_at_work, tried_on_the_past
from api.routes.common import Nothing, problems
from api.rule_schemas import (
    ActivationRequest,
    BacktestRequest,
    BacktestResult,
    ChangeItem,
    CheckResult,
    DocumentRequest,
    ExampleResult,
    ExampleResults,
    MistakeItem,
    ProposalRequest,
    RuleItem,
    RulesAtWork,
    VersionDetail,
    VersionItem,
    VersionNumber,
)
from api.schemas import ListOf
from api.services import ApiServices, Services
from storage.records.answers import KeptAnswer

router = APIRouter(prefix="/api/v1/rules", tags=["rules"])
_TRIES = problems(body="The body cannot be read", conflict="Others are being tried at this moment")
_NO_VERSION = "There is no such version"


@router.get("", responses=problems())
def list_rules(services: Services, sites: SeesFleet, _: Nothing) -> RulesAtWork:
    """List the rules at work, with how often each raised an alert at your sites within seven days."""
    at_work, raised = rules_at_work(services, sites)
    items = [RuleItem(**rule_item(rule, raised.get(rule.name, 0))) for rule in at_work.rules]
    return RulesAtWork(version=at_work.number, items=items)


@router.post("/check", responses=problems(body="The body cannot be read"))
def check_rules(
    services: Services, _sites: ChangesRules, _by: Acting, asked: DocumentRequest, _: Nothing
) -> CheckResult:
    """Say whether a document can be used: each mistake with its line, and what it changes. Keeps nothing."""
    checked = services.book.check(asked.document)
    mistakes = [MistakeItem.model_validate(each) for each in checked.mistakes]
    changes = [] if mistakes else _against_active(services, asked.document)
    return CheckResult(
        usable=not mistakes,
        rules=len(checked.rules),
        mistakes=mistakes,
        doubts=doubts(checked.rules),
        changes=_items(changes),
    )


@router.post("/test", responses=_TRIES)
def try_rules(
    services: Services, _sites: ChangesRules, _by: Acting, asked: DocumentRequest, _: Nothing
) -> ExampleResults:
    """Try a document on its own examples. Keeps nothing."""
    tried = services.trials.examples(asked.document)
    items = [
        ExampleResult(
            rule=each.rule.name,
            example=each.example.name,
            holds=each.holds,
            expected=list(each.example.then),
            came=list(each.states),
        )
        for each in tried
    ]
    return ExampleResults(holds=all(each.holds for each in items), items=items)


@router.post(
    "/backtest",
    responses=problems(
        body="The body cannot be read",
        not_found="There is no such rule or version",
        conflict="Others are being tried at this moment, or it takes too long",
    ),
)
def backtest_rules(
    services: Services, _sites: ChangesRules, _by: Acting, asked: BacktestRequest, _: Nothing
) -> BacktestResult:
    """Replay stored readings: what the rules at work would have raised, and the proposed ones. Keeps nothing.

    Without a rule's name those that differ. One at a time, up to two minutes.
    """
    devices = None if asked.devices is None else tuple(asked.devices)
    wanted = Asked(asked.days, asked.rule, devices)
    found = tried_on_the_past(services, asked.document, asked.version, wanted)
    return BacktestResult(**backtest_item(found))


@router.get("/versions", responses=problems())
def list_versions(services: Services, _sites: ChangesRules, _: Nothing) -> ListOf[VersionItem]:
    """List the versions, the newest first."""
    return ListOf(items=[VersionItem.model_validate(each) for each in services.book.versions()])


@router.post(
    "/versions",
    status_code=201,
    response_model=VersionDetail,
    responses=problems(body="The body cannot be read", conflict=BUSY),
)
def propose_rules(
    services: Services,
    sites: ChangesRules,
    principal: Acting,
    asked: ProposalRequest,
    _: Nothing,
    idempotency_key: IdempotencyKey = None,
) -> Response:
    """Keep a document as a version; it is at work only once it is activated."""

    def propose() -> KeptAnswer:
        number = services.book.propose(asked.document, principal, asked.note)
        return KeptAnswer(201, {}, _detail(services, number).model_dump_json())

    return once(services, operation_of("rules/versions", principal, sites), idempotency_key, asked, propose)


@router.get("/versions/{version}", responses=problems(not_found=_NO_VERSION))
def show_version(
    services: Services, _sites: ChangesRules, version: VersionNumber, _: Nothing
) -> VersionDetail:
    """Show a version: its document, and what it would change."""
    return _detail(services, version)


@router.post(
    "/versions/{version}/activate",
    responses=problems(
        body="The body cannot be read",
        not_found=_NO_VERSION,
        conflict="It is at work already, or another is since",
    ),
)
def activate_rules(
    services: Services,
    _sites: ChangesRules,
    principal: Acting,
    version: VersionNumber,
    asked: ActivationRequest,
    _: Nothing,
) -> VersionDetail:
    """Put a version to work in every process, an older one too. Refused while its own examples fail."""
    services.book.activate(version, principal, asked.reason, force=asked.force, over=asked.over)
    return _detail(services, version)


def _against_active(services: ApiServices, document: str) -> list[RuleChange]:
    return rule_changes(services.book.document(services.book.active()), document)


def _items(changes: list[RuleChange]) -> list[ChangeItem]:
    return [ChangeItem.model_validate(each) for each in changes]


def _detail(services: ApiServices, number: int) -> VersionDetail:
    document = services.book.document(number)
    version = next(each for each in services.book.versions() if each.number == number)
    known = VersionItem.model_validate(version).model_dump()
    changes = _items(_against_active(services, document))
    return VersionDetail(**known, document=document, changes=changes)
