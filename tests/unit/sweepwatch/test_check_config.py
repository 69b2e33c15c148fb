"""`check-config` says everything that is wrong at once, and lists all settings whole."""

from pathlib import Path

import pytest

from fleet.errors import ConfigError
from sweepwatch.commands.config import check_settings
from sweepwatch.settings.settings import setting_keys


def test_all_that_is_wrong_is_said_at_once(tmp_path: Path) -> None:
    rules, dialects, file = (tmp_path / name for name in ("rules.yaml", "dialects.yaml", "s.toml"))
    rules.write_text("rules: [{name: x, colour: red}, {name: y}]")
    dialects.write_text("dialects: 5")
    file.write_text(
        f'[server]\nport = "abc"\nhots = "x"\n[alerts]\nrules = "{rules}"\n'
        f'[ingest]\ndialects = "{dialects}"\n'
    )
    with pytest.raises(ConfigError) as caught:
        check_settings(file, {"SWEEPWATCH_STORE_RETENTION_DAYS": "-5", "SWEEPWATCH_X": "1"}, {}, False, print)
    said = str(caught.value)
    assert said.startswith("6 settings are wrong:\n- ")
    for part in (
        "server.hots",
        "server.port",
        "SWEEPWATCH_STORE_RETENTION_DAYS",
        "SWEEPWATCH_X",
        "rules.x",
        "rules.y",
    ):
        assert part in said
    assert "dialects: here stands a list" in said


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("BROKER_URL", "mqtt://h:99999", "a number up to 65535"),
        ("BROKER_URL", "mqtt://u:p@", "host"),
        ("STORE_URL", "influxdb://tok@h", "influxdb://token@host:port/org/bucket"),
        ("DESK_URL", "postgresql+no_such_driver://h/x", "desk.url is not usable"),
    ],
)
def test_addresses_are_checked_as_the_commands_read_them(name: str, value: str, said: str) -> None:
    with pytest.raises(ConfigError) as caught:
        check_settings(None, {f"SWEEPWATCH_{name}": value}, {}, False, print)
    assert said in str(caught.value)
    assert "tok" not in str(caught.value).replace("token", "")


def test_every_setting_is_shown_whole_where_no_terminal_sets_a_width(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "40")
    monkeypatch.delenv("FORCE_COLOR", raising=False)
    check_settings(None, {}, {}, True, print)
    shown = capsys.readouterr().out
    for key, section in setting_keys().items():
        meaning = section.model_fields[key.rpartition(".")[2]].description or ""
        assert any(key in line and meaning in line for line in shown.splitlines()), key
    assert "None" not in shown
    assert "…" not in shown


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("models: [X]\ncodes: [{code: E1, fault: rust, text: {en: a, zh: b}}]", "fault"),
        (
            "models: [X]\ncodes:\n- {code: E1, fault: none, text: {en: a, zh: b}}\n"
            "- {code: e1, fault: none, text: {en: a, zh: b}}",
            "codes.e1",
        ),
        ("models: X", "models"),
        ("- a list", "codes.yaml"),
    ],
)
def test_a_makers_codes_are_checked_too(tmp_path: Path, text: str, said: str) -> None:
    codes = tmp_path / "codes.yaml"
    codes.write_text(text)
    with pytest.raises(ConfigError) as caught:
        check_settings(None, {"SWEEPWATCH_ALERTS_CODES": str(codes)}, {}, False, print)
    assert said in str(caught.value)
    codes.write_text("models: [X]\ncodes: [{code: E1, fault: brush_jam, text: {en: jam, zh: 卡住}}]")
    heard: list[str] = []
    check_settings(None, {"SWEEPWATCH_ALERTS_CODES": str(codes)}, {}, False, heard.append)
    assert heard == ["The settings are usable."]
