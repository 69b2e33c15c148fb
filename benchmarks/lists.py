"""How long long lists take to come in: `python -m benchmarks.lists`.

Imports 5,000 customers and 100,000 devices from CSV into a new database (SQLite, one process), then the same
files again, which must change nothing, and exports both. Exits with 1 when the first import of both took
more than MUST_S of CPU, or when the second one changed anything.
"""

import argparse
import json
import os
import resource
import sys
import tempfile
from pathlib import Path
from time import monotonic, process_time

from sqlalchemy import func, select

from desk.lists.lists import Lists
from fleet.clock import SystemClock
from fleet.customers import PlanName
from fleet.lists import ListKind, Verdict
from fleet.principals import schedule
from storage.records.database import DeskDatabase, open_desk
from storage.records.events import EventRow

MUST_S = 60.0
_BY = schedule("benchmark")
_MB = 1024
_PLANS = tuple(PlanName)


def customers(count: int) -> bytes:
    """Return a list of so many customers."""
    rows = [
        f"c{n},Customer {n},客户{n},{'ABC'[n % 3]},{_PLANS[n % 3]},+86 21 {n:08},before_8"
        for n in range(count)
    ]
    return "\n".join(["id,name_en,name_zh,tier,plan,contact_phone,visits", *rows]).encode()


def devices(count: int) -> bytes:
    """Return a list of so many devices at 1,000 sites."""
    rows = [
        f"R{n},robot,hall{n % 1000},CR-{n % 7},{n % 5}.1,S{n:08},2026-{n % 12 + 1:02}-15,2028-01-14"
        for n in range(count)
    ]
    header = "id,kind,site,model,firmware,serial,purchased,warranty_until"
    return "\n".join([header, *rows]).encode()


def _events(desk: DeskDatabase) -> int:
    with desk.look() as session:
        return session.scalar(select(func.count()).select_from(EventRow)) or 0


def measure(many_devices: int, many_customers: int) -> dict[str, object]:
    """Return what was found."""
    files = {ListKind.CUSTOMERS: customers(many_customers), ListKind.DEVICES: devices(many_devices)}
    found: dict[str, object] = {"devices": many_devices, "customers": many_customers}
    with tempfile.TemporaryDirectory() as folder:
        desk = open_desk(f"sqlite:///{Path(folder) / 'desk.db'}")
        lists = Lists(desk, SystemClock())
        for turn in ("dry_run", "import", "again"):
            began, cpu = monotonic(), process_time()
            for kind, content in files.items():
                report = lists.look(kind, content) if turn == "dry_run" else lists.take(kind, content, _BY)
                wanted = Verdict.UNCHANGED if turn == "again" else Verdict.NEW
                assert report.counts[wanted] == len(report.rows), report.counts
            found |= {
                f"{turn}_s": round(monotonic() - began, 2),
                f"{turn}_cpu_s": round(process_time() - cpu, 2),
                f"events_after_{turn}": _events(desk),
            }
        began = monotonic()
        size = sum(len(text) for kind in files for text in lists.export(kind))
        found |= {"export_s": round(monotonic() - began, 2), "export_characters": size}
        desk.close()
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return found | {"peak_mb": round(peak / _MB), "must": {"import_cpu_s": MUST_S}}


def main() -> int:
    """Measure, print, write JSON when asked to; return the exit code."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures there")
    parser.add_argument("--devices", type=int, default=100_000, help="how many (100,000)")
    parser.add_argument("--customers", type=int, default=5_000, help="how many (5,000)")
    options = parser.parse_args()
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
    found = measure(options.devices, options.customers)
    print(json.dumps(found, indent=2))
    if options.json:
        options.json.write_text(json.dumps(found, indent=2) + "\n", encoding="utf-8")
    seconds = found["import_cpu_s"]
    assert isinstance(seconds, float)
    repeats = found["events_after_again"] == found["events_after_import"]
    return 0 if seconds <= MUST_S and repeats else 1


if __name__ == "__main__":
    sys.exit(main())
