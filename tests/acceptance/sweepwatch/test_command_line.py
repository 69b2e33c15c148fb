"""Bad input gets one clear line and a non-zero exit, never a traceback; help is understood by a stranger."""

import re
import socket
from pathlib import Path

import pytest
from click.testing import CliRunner
from helpers.running import Running, free_port, sweepwatch

from storage.records.database import open_desk
from sweepwatch.cli import cli

COMMANDS = ("run", "ingest", "score", "serve", "simulate", "train", "check-config")


def refused(*arguments: str, code: int = 1, cwd: Path | None = None, **more: str) -> str:
    """Run a command that must fail; return the one line that it says."""
    ended = sweepwatch(*arguments, cwd=cwd, **more)
    assert ended.returncode == code, ended.stdout + ended.stderr
    assert "Traceback" not in ended.stderr
    lines = ended.stderr.strip().splitlines()
    assert len(lines) == 1, ended.stderr
    return lines[0]


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_explains_itself(command: str) -> None:
    shown = sweepwatch(command, "--help")
    assert shown.returncode == 0
    assert "--config" in shown.stdout
    assert len(shown.stdout.splitlines()) > 8


def test_an_unknown_command_and_an_unknown_option_are_named() -> None:
    assert "No such command 'fly'" in sweepwatch("fly").stderr
    assert "--prot" in sweepwatch("run", "--prot", "1").stderr
    assert sweepwatch("run", "--prot", "1").returncode == 2


def test_a_taken_port_is_named(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        said = refused("run", "--port", str(port), "--data", str(tmp_path / "var"))
    assert f"cannot listen on 127.0.0.1:{port}" in said
    assert "--port" in said
    assert not (tmp_path / "var").exists()


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("--port", "70000"), "server.port in the command line = 70000 is not usable: .*65535"),
        (("--devices", "1"), "simulator.devices .*= 1 is not usable: .*3"),
        (("--broker", "http://x"), "broker.url .*mqtt"),
    ],
)
def test_a_setting_out_of_range_is_named_with_what_is_allowed(arguments: tuple[str, ...], says: str) -> None:
    line = refused("run", *arguments, code=2)
    assert re.search(says, line), line


def test_an_unknown_setting_is_named_in_the_file_and_in_the_environment(tmp_path: Path) -> None:
    file = tmp_path / "s.toml"
    file.write_text("[server]\nprot = 1\n")
    assert "server.prot" in refused("check-config", "--config", str(file), code=2)
    assert "SWEEPWATCH_SERVER_PROT" in refused("check-config", code=2, SWEEPWATCH_SERVER_PROT="1")


def test_a_folder_of_a_newer_version_is_refused(tmp_path: Path) -> None:
    (tmp_path / "format.json").write_text('{"format": 99}')
    said = refused("run", "--port", str(free_port()), "--data", str(tmp_path))
    assert "newer version" in said


def test_a_folder_that_cannot_be_written_is_refused() -> None:
    said = refused("run", "--port", str(free_port()), "--data", "/proc/sweepwatch")
    assert "cannot be written" in said


def test_a_damaged_store_is_refused(tmp_path: Path) -> None:
    (tmp_path / "telemetry.duckdb").write_bytes(b"not a database, though it should be one" * 1000)
    said = refused("run", "--port", str(free_port()), "--data", str(tmp_path))
    assert "telemetry.duckdb cannot be used" in said


def test_a_damaged_desk_is_refused(tmp_path: Path) -> None:
    (tmp_path / "desk.sqlite").write_bytes(b"not a database, though it should be one" * 1000)
    said = refused("run", "--port", str(free_port()), "--data", str(tmp_path))
    assert "desk.sqlite" in said


def test_a_bad_rules_file_is_named(tmp_path: Path) -> None:
    rules = tmp_path / "rules.yaml"
    rules.write_text("rules:\n  - name: hot\n    kind: toaster\n")
    ended = sweepwatch("check-config", SWEEPWATCH_ALERTS_RULES=str(rules))
    assert (ended.returncode, "Traceback" in ended.stderr) == (2, False)
    lines = ended.stderr.strip().splitlines()
    assert len(lines) == 6, "a line for each mistake"
    assert all("rules.yaml:" in line and "rules.hot." in line for line in lines)


def test_ingest_without_a_broker_says_how_to_give_one(tmp_path: Path) -> None:
    assert "--broker mqtt://" in refused("ingest", "--data", str(tmp_path), code=2)


def test_score_without_models_lets_the_anomaly_score_judge_and_says_what_to_do(tmp_path: Path) -> None:
    scored = sweepwatch("score", "--once", "--data", str(tmp_path))
    assert scored.returncode == 0, scored.stderr
    assert "the anomaly score judges alone until `sweepwatch train`" in scored.stdout
    assert "0 risks scored: no robot has sent a reading" in scored.stdout


def test_training_without_readings_says_so(tmp_path: Path) -> None:
    trained = sweepwatch("train", "--data", str(tmp_path))
    assert trained.returncode == 0, trained.stderr
    assert "No risk models yet: no robot has sent a reading" in trained.stdout


def test_check_config_shows_every_setting_and_touches_nothing(tmp_path: Path) -> None:
    shown = sweepwatch("check-config", "--show", cwd=tmp_path, COLUMNS="200")
    assert shown.returncode == 0
    assert "SWEEPWATCH_SERVER_PORT" in shown.stdout
    assert "The settings are usable." in shown.stdout
    assert list(tmp_path.iterdir()) == []


def test_an_unreachable_broker_is_retried_and_readyz_tells(tmp_path: Path) -> None:
    port, nowhere = free_port(), free_port()
    arguments = ["run", "--port", str(port), "--data", str(tmp_path / "var"), "--no-simulator"]
    with Running(
        *arguments, "--broker", f"mqtt://127.0.0.1:{nowhere}", log=tmp_path / "log", port=port
    ) as running:

        def told() -> bool:
            return str(nowhere) in str(running.get("/readyz")["components"].get("ingest"))

        running.wait_for("a word on the broker", told)
        assert "Sweepwatch" in running.get("/")
        assert running.stop() == 0, running.output
        assert "Traceback" not in running.output


def test_a_second_process_is_told_who_holds_the_folder(tmp_path: Path) -> None:
    port = free_port()
    arguments = ["run", "--port", str(port), "--data", str(tmp_path), "--no-simulator"]
    with Running(*arguments, log=tmp_path / "log", port=port) as running:
        running.wait_for("page", lambda: "Sweepwatch" in running.get("/"))
        said = refused("serve", "--port", str(free_port()), "--data", str(tmp_path))
        assert f"process {running.process.pid}" in said
        assert running.stop() == 0, running.output


def test_people_and_tokens_are_made_by_their_roles_and_scopes(tmp_path: Path) -> None:
    where = ["--data", str(tmp_path)]
    open_desk(f"sqlite:///{tmp_path / 'desk.sqlite'}").close()
    invited = CliRunner().invoke(
        cli, ["people", "invite", "a@example.org", "A", "--role", "engineer", *where]
    )
    assert "/enter/" in invited.output, invited.output
    made = CliRunner().invoke(cli, ["tokens", "add", "grafana", "--scope", "fleet:read", *where])
    assert made.output.startswith("sw_"), made.output
