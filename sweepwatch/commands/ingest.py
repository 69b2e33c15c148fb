"""The commands beside `sweepwatch ingest`: does the ledger add up, and the quarantine once more."""

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from http.client import HTTPException
from typing import Any
from urllib.error import HTTPError
from urllib.parse import urlsplit
from urllib.request import ProxyHandler, Request, build_opener

from prometheus_client.parser import text_string_to_metric_families

from fleet.errors import ConfigError, SweepwatchError
from ingest.replay import ReplayReport, replay
from sweepwatch.printing import Say
from sweepwatch.run.processes import open_services
from sweepwatch.run.stopping import stop_on_signal
from sweepwatch.settings.settings import TOKEN_VARIABLE, Settings, token_of
from sweepwatch.wiring import build_ingest

_TIMEOUT_S = 10.0
_HOW = "`sweepwatch tokens add NAME --scope ingest:read` makes one"
_NO_BROKER = "mqtt://127.0.0.1"
"""A replay connects to none."""


class LedgerUnreadable(SweepwatchError):
    """No ledger can be had where it was asked for."""


class LedgerUnbalanced(SweepwatchError):
    """The ledger does not add up: readings are unaccounted for."""


@dataclass(frozen=True, slots=True)
class Balance:
    """A ledger as read from a running process, in readings."""

    received: int
    written: int
    duplicate: int
    quarantined: int
    by_reason: Mapping[str, int]
    values_dropped: Mapping[str, int]
    late: int
    seq_repeated: int

    def check(self) -> None:
        """Raise LedgerUnbalanced when it does not add up."""
        accounted = self.written + self.duplicate + self.quarantined
        if self.received != accounted:
            raise LedgerUnbalanced(
                f"the ledger does not add up: {self.received} received, but {accounted} accounted for"
            )
        if sum(self.by_reason.values()) != self.quarantined:
            raise LedgerUnbalanced(
                f"the ledger does not add up: {self.quarantined} quarantined, "
                f"but {sum(self.by_reason.values())} by reason"
            )


def show_ledger(url: str, say: Say) -> None:
    """Print the ledger of a running process; raise when it cannot be read or does not add up.

    `url` is that of its API, or of its /metrics.
    """
    balance = read_balance(url)
    for name, count, parts in (
        ("received", balance.received, {}),
        ("written", balance.written, {"late": balance.late} if balance.late else {}),
        ("duplicate", balance.duplicate, {}),
        ("quarantined", balance.quarantined, balance.by_reason),
        ("values dropped", sum(balance.values_dropped.values()), balance.values_dropped),
        ("seq repeated", balance.seq_repeated, {}),
    ):
        shown = ", ".join(f"{part} {n}" for part, n in sorted(parts.items()))
        say(f"{name:<15}{count:>12}  {shown}".rstrip())
    balance.check()
    say("It adds up: received = written + duplicate + quarantined.")


def read_balance(url: str) -> Balance:
    """Read the ledger at a process's API or /metrics. Raises ConfigError or LedgerUnreadable."""
    base = url.rstrip("/")
    parts = urlsplit(base)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ConfigError(f"--url: {url!r} is no address; allowed: http://host:port")
    if not parts.path:
        balance = _from_api(_get(f"{base}/api/v1/ingest/ledger"))
        if balance is not None:
            return balance
        base += "/metrics"
    balance = _from_metrics(_get(base))
    if balance is None:
        raise LedgerUnreadable(f"{base} shows no ledger: does an ingester run in that process?")
    return balance


def _get(url: str) -> str:
    """Return what is at `url`, empty where the server says that there is nothing."""
    opener = build_opener(ProxyHandler({}))
    try:
        token = token_of(os.environ)
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        with opener.open(Request(url, headers=headers), timeout=_TIMEOUT_S) as answer:
            body: bytes = answer.read()
            return body.decode(errors="replace")
    except HTTPError as error:
        error.close()
        if error.code in (401, 403):
            raise LedgerUnreadable(f"{url} needs a token in {TOKEN_VARIABLE}: {_HOW}") from error
        return ""
    except (OSError, HTTPException, ValueError) as error:
        why = getattr(error, "reason", error)
        raise LedgerUnreadable(
            f"{url} cannot be read: {why}; give the process's address with --url"
        ) from error


def _from_api(body: str) -> Balance | None:
    try:
        found: Any = json.loads(body)
        return Balance(
            **{name: int(found[name]) for name in ("received", "written", "duplicate", "quarantined")},
            by_reason={str(name): int(n) for name, n in found["quarantined_by_reason"].items()},
            values_dropped={str(name): int(n) for name, n in found["values_dropped"].items()},
            late=int(found["late"]),
            seq_repeated=int(found["seq_repeated"]),
        )
    except (ValueError, TypeError, KeyError, AttributeError):
        return None


def _from_metrics(body: str) -> Balance | None:
    try:
        found: dict[str, dict[str, int]] = {}
        for family in text_string_to_metric_families(body):
            if family.name.startswith("sweepwatch_ingest_") and family.type == "counter":
                totals = (sample for sample in family.samples if sample.name.endswith("_total"))
                name = family.name.removeprefix("sweepwatch_ingest_")
                found[name] = {"".join(one.labels.values()): int(one.value) for one in totals}
        return Balance(
            **{name: found["readings"][name] for name in ("received", "written", "duplicate", "quarantined")},
            by_reason=found.get("quarantined", {}),
            values_dropped=found.get("values_dropped", {}),
            late=found["late"][""],
            seq_repeated=found["seq_repeated"][""],
        )
    except (ValueError, KeyError):
        return None


def run_replay(settings: Settings, device: str | None, reason: str | None, say: Say) -> None:
    """Take the quarantine through the decoder and the store again, and say what became of it."""
    with stop_on_signal() as stop, open_services(settings) as services:
        ingest = build_ingest(services, _NO_BROKER)
        try:
            report = replay(ingest.parts, device, reason, stop.is_set)
        finally:
            ingest.stop()
    for line in _told(report):
        say(line)


def _told(report: ReplayReport) -> list[str]:
    lines = [f"{report.passed} pass now: stored, and out of the quarantine"]
    if report.failing:
        shown = ", ".join(f"{reason} {n}" for reason, n in report.failing.most_common())
        lines.append(f"{report.failing.total()} still fail: {shown}")
    if report.truncated:
        lines.append(f"{report.truncated} were too long to be kept whole and cannot be replayed")
    return lines
