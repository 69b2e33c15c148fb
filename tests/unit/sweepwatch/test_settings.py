"""A bad setting is named with where it came from and what is allowed, before anything starts."""

import os
from pathlib import Path

import pytest

from fleet.errors import ConfigError
from fleet.secrecy import without_secrets
from sweepwatch.settings.settings import Settings, load_settings, setting_keys, variable_name


def test_nothing_given_is_a_complete_installation() -> None:
    assert load_settings(None, {}, {}) == Settings()
    assert Settings().server.host == "127.0.0.1"


def test_flags_win_over_the_environment_and_that_over_the_file(tmp_path: Path) -> None:
    file = tmp_path / "s.toml"
    file.write_text("[server]\nport = 1001\n[simulator]\nseed = 5\ndevices = 7\n")
    environment = {"SWEEPWATCH_SERVER_PORT": "1002", "SWEEPWATCH_SIMULATOR_SEED": "6", "HOME": "/x"}
    merged = load_settings(file, environment, {"server.port": 1003, "simulator.devices": None})
    assert (merged.server.port, merged.simulator.seed, merged.simulator.devices) == (1003, 6, 7)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("[server]\nprot = 1", r"unknown setting server\.prot in .*s\.toml; did you mean server\.port\?"),
        ("[nonsense]\nx = 1", r"unknown setting nonsense\.x in .*allowed: .*server\.port"),
        ("[server]\nport = 99999", r"server\.port in .*s\.toml = 99999 is not usable: .*65535"),
        ("[server]\nport = 'abc'", r"server\.port in .*= \"abc\" is not usable: .*integer"),
        ("[server]\nhost = 'example.org'", r"allowed: an address such as 127\.0\.0\.1, .*or localhost"),
        ("[server]\ntrusted_proxies = ['0.0.0.0/0']", r"everybody; allowed: the addresses of the proxies"),
        ("[server]\npublic_url = 'https://x.example/a'", r"public_url .*cannot live under a path"),
        ("[broker]\nurl = 'http://x'", r"broker\.url .*mqtt"),
        ("log_level = 'loud'", r"log_level .*'debug', 'info', 'warning' or 'error'"),
        ("[server\n", "is not TOML"),
    ],
)
def test_a_bad_file_is_one_clear_line(tmp_path: Path, text: str, says: str) -> None:
    file = tmp_path / "s.toml"
    file.write_text(text)
    with pytest.raises(ConfigError, match=says) as caught:
        load_settings(file, {}, {})
    assert "\n" not in str(caught.value)


def test_a_missing_file_is_named() -> None:
    with pytest.raises(ConfigError, match=r"no-such\.toml: No such file"):
        load_settings(Path("no-such.toml"), {}, {})


def test_an_unknown_variable_is_refused_with_the_nearest_known() -> None:
    with pytest.raises(ConfigError, match="SWEEPWATCH_SERVER_PROT.*did you mean SWEEPWATCH_SERVER_PORT"):
        load_settings(None, {"SWEEPWATCH_SERVER_PROT": "1"}, {})


def test_a_bad_variable_is_named_as_the_variable() -> None:
    with pytest.raises(ConfigError, match='^SWEEPWATCH_SIMULATOR_DEVICES = "2" is not usable: .*3'):
        load_settings(None, {"SWEEPWATCH_SIMULATOR_DEVICES": "2"}, {})


def test_every_problem_is_named_at_once() -> None:
    with pytest.raises(ConfigError, match="server.port.*; .*simulator.seed"):
        load_settings(None, {}, {"server.port": 0, "simulator.seed": -1})


def test_no_error_shows_a_password_or_a_token() -> None:
    with pytest.raises(ConfigError) as caught:
        load_settings(None, {}, {"broker.url": "http://user:secret@host"})
    assert "secret" not in str(caught.value)
    assert without_secrets("influxdb://token@host:8086/org/bucket") == "influxdb://***@host:8086/org/bucket"
    assert without_secrets("mqtt://host:1883") == "mqtt://host:1883"


def test_settings_are_frozen_and_every_key_is_described() -> None:
    with pytest.raises(ValueError, match="frozen"):
        Settings().server.port = 1  # type: ignore[misc]
    for key, section in setting_keys().items():
        field = section.model_fields[key.rpartition(".")[2]]
        assert field.description, key


def test_no_two_keys_share_a_variable() -> None:
    names = [variable_name(key) for key in setting_keys()]
    assert len(set(names)) == len(names)


def test_reading_settings_touches_no_environment_but_the_one_handed_in(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(os.environ, "SWEEPWATCH_SERVER_PORT", "1234")
    assert load_settings(None, {}, {}).server.port == 8000
