"""Small histories as files, and the import run in this process."""

import json
from pathlib import Path
from typing import Any

from click.testing import CliRunner

from sweepwatch.cli import cli

MAP = """
devices: {device: unit, site: place, model: type, registered: since}
telemetry:
  device: unit
  time: {from: at, zone: Asia/Shanghai}
  signals:
    brush_current_a: {from: current, unit: mA}
    battery_pct: charge
    state: {from: does, values: {run: cleaning, rest: idle}}
repairs:
  device: unit
  id: number
  fault: {from: what, values: {brush: brush_wear, filter: filter_clog, fan: fan_motor_wear}}
  opened: opened
  arrived: arrived
  repaired: repaired
  outcome: how
  engineer: who
  parts: parts
events: {device: unit, time: at, code: code, detail: {text: said}}
"""
HOURS = 24 * 12


def write_history(folder: Path, devices: int = 4, hours: int = HOURS) -> Path:
    """Write a map and the files that it is for; return the folder."""
    folder.mkdir(exist_ok=True)
    (folder / "map.yaml").write_text(MAP, encoding="utf-8")
    rows = ["unit,at,current,charge,does"]
    for device in range(devices):
        for hour in range(hours):
            at = f"2025-03-{1 + hour // 24:02d} {hour % 24:02d}:00:00"
            does = "run" if hour % 3 else "rest"
            rows.append(f"V{device},{at},{900 + 7 * device + hour % 24},{50 + (hour * 7) % 50},{does}")
    (folder / "telemetry.csv").write_text("\n".join(rows) + "\n", encoding="utf-8")
    named = [f"V{device},hall-1,CR-{device % 2},2025-01-01" for device in range(devices)]
    (folder / "devices.csv").write_text("\n".join(["unit,place,type,since", *named]), encoding="utf-8")
    (folder / "repairs.csv").write_text(
        "number,unit,what,opened,arrived,repaired,how,who,parts\n"
        "7,V0,brush,2025-03-05 08:00,2025-03-05 11:00,2025-03-05 12:00,failure,Li Wei,main-brush\n"
        "8,V1,filter,2025-03-06 08:00,,2025-03-06 12:00,failure,,\n"
        "9,V2,fan,2025-03-06 09:00,,2025-03-06 12:00,nothing,,\n"
        "10,V2,filter,,,2025-03-07 12:00,replaced,,\n",
        encoding="utf-8",
    )
    (folder / "events.csv").write_text("unit,at,code,said\nV0,2025-03-05 07:00,E12,brush\n", encoding="utf-8")
    return folder


def given(folder: Path, *parts: str) -> list[str]:
    """Return the options that name the files of a folder."""
    wanted = parts or ("devices", "telemetry", "repairs", "events")
    return ["--map", str(folder / "map.yaml")] + [
        word for part in wanted for word in (f"--{part}", str(folder / f"{part}.csv"))
    ]


def invoke(*arguments: str) -> tuple[int, str]:
    """Run a command in this process; return its exit code and output, raise what it raises."""
    ended = CliRunner().invoke(cli, list(arguments), standalone_mode=False)
    if ended.exception is not None:
        raise ended.exception
    return (ended.return_value if isinstance(ended.return_value, int) else 0), ended.output


def imported(data: Path, files: list[str], *more: str) -> dict[str, Any]:
    """Import files with `--yes`, and return what is said of each part."""
    said = invoke("import", "--data", str(data), *files, "--yes", "--json", *more)[1]
    found: dict[str, Any] = json.loads(said)
    return found
