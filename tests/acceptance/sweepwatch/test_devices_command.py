"""Devices are let in and put out at the broker of its own while everything runs."""

import csv
import json
import re
from collections.abc import Callable
from pathlib import Path
from time import monotonic, sleep, time

import segno
from click.testing import CliRunner
from helpers.device_broker import Guest, until
from helpers.running import PATIENCE_S, Running, free_port

from access.devices.authority import Authority
from fleet.device_doors import CredentialKind, Handed
from storage.records.database import open_desk
from sweepwatch.cli import cli

TELEMETRY = "sweepwatch/v1/s1/robot/{}/telemetry"


def eventually(holds: Callable[[], bool], running: Running) -> None:
    deadline = monotonic() + PATIENCE_S
    while not holds():
        assert monotonic() < deadline, running.output
        assert running.process.poll() is None, running.output
        sleep(0.2)


def stop(running: Running) -> None:
    """End it by its own leave: killed, it would leave its broker behind."""
    running.process.terminate()
    running.process.wait(PATIENCE_S)


def said(*arguments: str) -> str:
    done = CliRunner().invoke(cli, arguments)
    assert done.exception is None, (done.output, done.exception)
    return done.stdout.strip()


def test_devices_come_in_while_everything_runs_and_nobody_else_once_registration_is_closed(
    tmp_path: Path,
) -> None:
    port, broker, tls, certificates = (free_port() for _ in range(4))
    data, log = tmp_path / "data", tmp_path / "log"
    settings = tmp_path / "sweepwatch.toml"
    settings.write_text(
        f"[broker]\nport = {broker}\nlisten = '127.0.0.1'\nhosts = ['localhost', '127.0.0.1']\n"
        f"tls_port = {tls}\ncertificate_port = {certificates}\n"
    )
    where = ("--config", str(settings), "--data", str(data))
    with Running("run", "--no-simulator", "--port", str(port), *where, log=log, port=port) as running:
        eventually(lambda: "ready: " in running.output, running)
        assert not Guest(broker, client_id="r0").came_in, "nobody comes in without credentials"

        password = said("devices", "add", "r1", "--site", "s1", *where)
        files = tmp_path / "files"
        said("devices", "add", "c1", "--site", "s1", "--certificate", "--out", str(files), *where)
        many = tmp_path / "many.csv"
        many.write_text("id,site\n" + "".join(f"b{n},s1\n" for n in range(60)))
        handed = tmp_path / "handed.csv"
        assert "60 devices were registered" in said(
            "devices", "import", str(many), "--out", str(handed), *where
        )
        assert handed.stat().st_mode & 0o777 == 0o600

        def speaks(guest: Guest, name: str) -> bool:
            return guest.may_publish(TELEMETRY.format(name))

        with Guest(broker, "r1", password, "r1") as guest:
            topic = TELEMETRY.format("r1")
            guest.client.publish(topic, json.dumps({"ts": int(time() * 1000), "battery_pct": 80}), 1)
            eventually(lambda: running.get("/api/v1/devices/r1").get("battery_pct") == 80, running)
        authority = Authority(data / "ca")
        pem = [(files / f"c1.{end}").read_text() for end in ("crt", "key")]
        certified = Handed("c1", CredentialKind.CERTIFICATE, "", *pem)
        with Guest(
            certificates, client_id="c1", handed=certified, authority=authority, folder=tmp_path
        ) as guest:
            assert speaks(guest, "c1")

        with handed.open() as lines:
            passwords = {row["id"]: row["password"] for row in csv.DictReader(lines)}

        def bulk_comes_in() -> bool:
            with Guest(broker, "b59", passwords["b59"], "b59") as guest:
                return guest.came_in and speaks(guest, "b59")

        eventually(bulk_comes_in, running)

        guest = Guest(broker, "r1", password, "r1")
        assert guest.came_in
        assert said("devices", "revoke", "r1", "--why", "stolen", *where) == "1 credentials ended."
        until(lambda: guest.out)
        guest.leave()
        assert not Guest(broker, "r1", password, "r1").came_in
        stop(running)
    with Running("run", "--no-simulator", "--port", str(port), *where, log=log, port=port) as running:
        eventually(lambda: "ready: " in running.output, running)
        assert not Guest(broker, "r1", password, "r1").came_in
        with Guest(broker, "b7", passwords["b7"], "b7") as guest:
            assert speaks(guest, "b7")
        listed = json.loads(said("devices", "list", "--json", *where))
        assert len(listed) == 62
        assert all(one["known_at"] for one in listed)
        stop(running)


def test_on_this_machine_alone_a_device_says_hello_without_credentials(tmp_path: Path) -> None:
    port, broker = free_port(), free_port()
    where = ("--data", str(tmp_path / "data"))
    with Running(
        *("run", "--no-simulator", "--port", str(port), "--broker-port", str(broker), *where),
        log=tmp_path / "log",
        port=port,
    ) as running:
        eventually(lambda: "ready: " in running.output, running)
        with Guest(broker, client_id="hello") as guest:
            guest.client.publish(TELEMETRY.format("hello"), b'{"battery_pct": 80}', 1)
            eventually(lambda: "hello" in json.dumps(running.get("/api/v1/devices")), running)
        with Guest(broker, client_id="hello") as guest:
            assert not guest.may_publish(TELEMETRY.format("hello").replace("telemetry", "cmd"))
        stop(running)


def test_labels_are_written_into_a_new_file_that_only_its_owner_reads(tmp_path: Path) -> None:
    data, sheet = str(tmp_path), tmp_path / "labels.html"
    open_desk(f"sqlite:///{tmp_path / 'desk.sqlite'}").close()
    done = CliRunner().invoke(cli, ["devices", "offer", "S" * 65, "--labels", str(sheet), "--data", data])
    assert "serial: allowed" in str(done.exception)
    said("devices", "offer", "S1", "S2", "--labels", str(sheet), "--data", data)
    assert sheet.stat().st_mode & 0o777 == 0o600
    assert sheet.read_text().count("<article>") == 2
    done = CliRunner().invoke(cli, ["devices", "offer", "S1", "--labels", str(sheet), "--data", data])
    assert "is there already" in str(done.exception)
    (tmp_path / "address").write_text("http://127.0.0.1:9123/")
    said("devices", "offer", "S4", "--labels", str(tmp_path / "more.html"), "--data", data)
    label = re.search(r"<code>([^<]+)", (tmp_path / "more.html").read_text())
    assert label
    drawn = segno.make(f"http://127.0.0.1:9123/claim#serial=S4&code={label[1]}", error="m", micro=False)
    assert drawn.svg_inline(border=2, omitsize=True) in (tmp_path / "more.html").read_text()
    [code] = said("devices", "offer", "S3", "--data", data).splitlines()
    assert code.startswith("S3 ")
