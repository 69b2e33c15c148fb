"""A storm: `python -m benchmarks.storm [--absent 20000] [--sites 40] [--faults 300] [--json FILE]`.

`sweepwatch run` as it is shipped, with a broker, a store and managers who are told by mail. 20,000 devices of
40 sites go absent within a minute, while 2,000 others at 20 sites go on to report, and 300 of these really
break, by ten faults, within the same minute and a half. Then all come back. There is one cause of the
absences. What is counted: the incidents that were told, the notices that one person got of one of them (that
it is there; its end is one more), which real faults' notices a mail server had taken within `ON_TIME_S` of
their first word, the time from handing that word to a socket until another process read the alert on the log,
how long pages took meanwhile, and the process's memory. Exits with 1 when a must figure is missed.
"""

import argparse
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

from benchmarks.harness.broker import MosquittoBroker
from benchmarks.harness.process_usage import peak_rss_mb, rss_mb
from benchmarks.harness.receivers import mail_receiver
from benchmarks.harness.report import hand_over, percentiles
from benchmarks.harness.storm_fleet import Size, StormFleet
from benchmarks.harness.storm_house import Told, Watch, desk_of, invite, running, session_of_admin, told_of
from storage.records.database import DeskDatabase
from storage.records.incidents import open_incidents

CAUSES = 1
ABSENCE = "comms_loss"
ON_TIME_S = 180.0
"""Half a minute until a robot that stands in error is in alert, two minutes at most that care may wait for
evidence of an incident, and half a minute to write and send."""
MUST_ALERT_P99_MS, MUST_PAGE_P99_MS, MUST_MB = 2_000.0, 5_000.0, 1_500.0
_PERIOD_S, _STORM_S, _FAULTS_S, _CALM_S = 2.0, 60.0, 90.0, 20.0
_PATIENCE_S, _REGIONAL = 600.0, 8


def measure(size: Size, folder: Path) -> dict[str, Any]:
    """Let the storm pass over an installation in `folder`; return what was seen."""
    data = folder / "var"
    data.mkdir()
    with MosquittoBroker(folder) as broker, mail_receiver() as mail, closing(desk_of(data)) as desk:
        sites = [f"s{number:02d}" for number in range(size.sites)]
        people = invite(desk, [sites[start::_REGIONAL] for start in range(_REGIONAL)])
        session = session_of_admin(desk)
        fleet = StormFleet(broker.port, size, _PERIOD_S)
        with running(data, f"mqtt://127.0.0.1:{broker.port}", mail.port) as (pid, port):
            watch = Watch(desk, port, session)
            with watch.looking():
                fleet.introduce()
                fleet.speak()
                try:
                    time.sleep(_CALM_S)
                    before_mb = rss_mb(pid)
                    over = _storm(fleet, desk)
                finally:
                    fleet.end()
            peak = peak_rss_mb(pid)
    told = told_of_desk(data, fleet.faults)
    return figures(size, fleet, watch, told) | {
        "people": people,
        "incidents_over": over,
        "mails": len(mail.raw),
        "calm_rss_mb": round(before_mb),
        "peak_rss_mb": round(peak),
    }


def told_of_desk(data: Path, devices: Mapping[str, str]) -> Told:
    """Read what was told from the desk of an installation that has ended."""
    with closing(desk_of(data)) as desk:
        return told_of(desk, devices)


def _storm(fleet: StormFleet, desk: DeskDatabase) -> bool:
    """Let the storm begin and pass; return whether its incident came and was over."""
    fleet.go_absent(_STORM_S)
    fleet.break_down(_FAULTS_S)
    time.sleep(_FAULTS_S)
    came = _until(lambda: _stands(desk), _PATIENCE_S)
    time.sleep(ON_TIME_S)
    fleet.come_back(_STORM_S)
    over = _until(lambda: not _stands(desk), _PATIENCE_S)
    time.sleep(_CALM_S)
    return came and over


def _stands(desk: DeskDatabase) -> bool:
    with desk.transaction() as session:
        return bool(open_incidents(session, ABSENCE))


def _until(true: Callable[[], bool], patience_s: float) -> bool:
    ends = time.monotonic() + patience_s
    while time.monotonic() < ends:
        if true():
            return True
        time.sleep(1.0)
    return False


def figures(size: Size, fleet: StormFleet, watch: Watch, told: Told) -> dict[str, Any]:
    """Return what was counted."""
    first = {name: watch.first.get((name, fault)) for name, fault in fleet.faults.items()}
    seen = {name: (at - fleet.told[name]) * 1000 for name, at in first.items() if at is not None}
    waited = {name: at / 1000 - fleet.told[name] for name, at in told.faults.items()}
    return {
        "devices": size.absent + size.others,
        "causes": CAUSES,
        "incidents": told.incidents,
        "most_notices_per_person_and_incident": told.most,
        "with_its_end": told.most_with_end,
        "real_faults": size.faults,
        "real_faults_in_alert": len(seen),
        "real_faults_told": sum(each <= ON_TIME_S for each in waited.values()),
        "told_after_s": percentiles(list(waited.values())),
        "alert_p99_ms": percentiles(list(seen.values()))["p99"],
        "alert_ms": percentiles(list(seen.values())),
        "page_ms": percentiles(watch.pages),
        "pages_refused": watch.refused[:20],
        "messages": fleet.published,
    }


def missed(found: dict[str, Any]) -> list[str]:
    """Name the figures that were missed."""
    musts = {
        "incidents": found["incidents"] == found["causes"],
        "incidents_over": found["incidents_over"],
        "most_notices_per_person_and_incident": found["most_notices_per_person_and_incident"] == 1,
        "real_faults_in_alert": found["real_faults_in_alert"] == found["real_faults"],
        "real_faults_told": found["real_faults_told"] == found["real_faults"],
        "alert_p99_ms": found["alert_p99_ms"] <= MUST_ALERT_P99_MS,
        "page_ms": found["page_ms"]["p99"] <= MUST_PAGE_P99_MS and not found["pages_refused"],
        "peak_rss_mb": found["peak_rss_mb"] <= MUST_MB,
    }
    return [name for name, reached in musts.items() if not reached]


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure, print, write JSON when asked to; return the exit code."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--absent", type=int, default=20_000, help="devices that go absent (20000)")
    parser.add_argument("--sites", type=int, default=40, help="of so many sites (40)")
    parser.add_argument("--others", type=int, default=2_000, help="devices that go on to report (2000)")
    parser.add_argument("--faults", type=int, default=300, help="of which so many break (300)")
    parser.add_argument("--keep", type=Path, metavar="DIR", help="leave the installation there, to look at")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures there")
    asked = parser.parse_args(arguments)
    size = Size(asked.absent, asked.sites, asked.others, max(1, asked.sites // 2), asked.faults)
    with tempfile.TemporaryDirectory(prefix="sweepwatch-storm-") as folder:
        Path(folder).chmod(0o755)  # the broker runs as a user of its own
        kept = asked.keep or Path(folder)
        kept.mkdir(parents=True, exist_ok=True)
        found = measure(size, kept)
    return hand_over(found, missed(found), asked.json)


if __name__ == "__main__":
    sys.exit(main())
