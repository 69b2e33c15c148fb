"""The signals table is the one source: wire schema, columns, tiles and documents follow from it."""

import json
from pathlib import Path

import jsonschema
import numpy as np
import polars as pl
import pytest

from desk.clocks.schema import schemas
from fleet.catalogue.schema import NAME as CATALOGUE
from fleet.readings import KEY_COLUMNS, ReadingBatch, batch_schema
from fleet.schema import asyncapi, command_schema, documents, reply_schema, telemetry_schema
from fleet.signals import STANDARD_SIGNALS, Form, Kind, Role
from fleet.tiles import TILE_STATS, tile_columns
from ingest.history.schema import NAME as HISTORY_MAP

ROOT = Path(__file__).parents[3]


def test_ranges_are_not_empty_and_counters_start_at_zero() -> None:
    for signal in STANDARD_SIGNALS:
        assert signal.low < signal.high, signal.name
        assert signal.role is not Role.COUNTER or signal.low == 0, signal.name


def test_every_signal_is_named_in_both_languages() -> None:
    assert all(signal.label.en and signal.label.zh for signal in STANDARD_SIGNALS)


def test_batch_columns_follow_the_table() -> None:
    for kind in Kind:
        names = [signal.name for signal in STANDARD_SIGNALS.for_kind(kind)]
        assert list(batch_schema(STANDARD_SIGNALS, kind)) == [*KEY_COLUMNS, *names]


def test_a_batch_turns_nan_into_null_and_gives_nan_back() -> None:
    columns = {
        "device_id": ["A", "B"],
        "site": ["s", "s"],
        "ts": [1, 2],
        "received": [1, 2],
        "battery_pct": np.array([np.nan, 5.0]),
        "worn": [True, None],
    }
    batch = ReadingBatch.from_columns(STANDARD_SIGNALS, Kind.WRISTBAND, columns, 2)
    assert batch.frame["battery_pct"].to_list() == [None, 5.0]
    np.testing.assert_array_equal(batch.values("battery_pct"), [np.nan, 5.0])
    np.testing.assert_array_equal(batch.values("worn"), [1.0, np.nan])
    assert batch.frame["seq"].null_count() == 2


def test_a_batch_refuses_an_unknown_state() -> None:
    columns = {"device_id": ["A"], "site": ["s"], "ts": [1], "received": [1], "state": ["dancing"]}
    with pytest.raises(pl.exceptions.PolarsError):
        ReadingBatch.from_columns(STANDARD_SIGNALS, Kind.ROBOT, columns, 1)


def test_tiles_have_every_statistic_of_numbers_and_booleans_and_counts_of_states() -> None:
    columns = tile_columns(STANDARD_SIGNALS, Kind.WRISTBAND)
    assert {f"heart_rate_bpm.{stat}" for stat in TILE_STATS} <= set(columns)
    assert {f"sos.{stat}" for stat in TILE_STATS} <= set(columns)
    assert {"state.cleaning.n", "error_code.n"} <= set(tile_columns(STANDARD_SIGNALS, Kind.ROBOT))
    assert not any(column.startswith("error_code.m") for column in tile_columns(STANDARD_SIGNALS, Kind.ROBOT))


@pytest.mark.parametrize("name", sorted(documents(STANDARD_SIGNALS)))
def test_committed_documents_are_what_the_table_generates(name: str) -> None:
    committed = (ROOT / "docs" / "schema" / name).read_text(encoding="utf-8")
    assert committed == documents(STANDARD_SIGNALS)[name], "stale: run `make docs`"


def test_no_document_is_left_over() -> None:
    known = set(documents(STANDARD_SIGNALS)) | set(schemas()) | {HISTORY_MAP, CATALOGUE}
    assert {file.name for file in (ROOT / "docs" / "schema").iterdir()} == known


@pytest.mark.parametrize("kind", list(Kind))
def test_the_schema_takes_the_range_and_refuses_what_is_outside(kind: Kind) -> None:
    schema = telemetry_schema(STANDARD_SIGNALS, kind)
    jsonschema.Draft202012Validator.check_schema(schema)
    check = jsonschema.Draft202012Validator(schema)
    for signal in STANDARD_SIGNALS.numeric(kind):
        for value in (signal.low, signal.high, None):
            assert check.is_valid({"ts": 1_800_000_000_000, signal.name: value}), (signal.name, value)
        for bad in (signal.low - 1, signal.high * 2 + 1, "1", True):
            assert not check.is_valid({"ts": 1_800_000_000_000, signal.name: bad}), (signal.name, bad)


def test_the_schema_wants_a_time_in_each_element_of_an_array_only() -> None:
    check = jsonschema.Draft202012Validator(telemetry_schema(STANDARD_SIGNALS, Kind.ROBOT))
    assert check.is_valid({"battery_pct": 5})
    assert check.is_valid([{"ts": 1_800_000_000_000, "battery_pct": 5}])
    assert not check.is_valid([{"battery_pct": 5}])
    assert not check.is_valid([])


def test_asyncapi_has_a_channel_for_each_kind_and_each_side_topic() -> None:
    document = json.loads(json.dumps(asyncapi(STANDARD_SIGNALS)))
    addresses = {channel["address"] for channel in document["channels"].values()}
    assert document["asyncapi"] == "3.0.0"
    assert "sweepwatch/v1/{site}/robot/{device_id}/telemetry" in addresses
    assert "sweepwatch/v1/{site}/{kind}/{device_id}/cmd/reply" in addresses
    for operation in document["operations"].values():
        assert operation["channel"]["$ref"].removeprefix("#/channels/") in document["channels"]


def test_only_robots_have_a_state() -> None:
    assert [s.kinds for s in STANDARD_SIGNALS if s.form is Form.STATE] == [frozenset({Kind.ROBOT})]


def test_commands_and_answers_fit_their_schemas() -> None:
    command = jsonschema.Draft202012Validator(command_schema())
    told = {"id": "c1", "command": "dock", "params": {}, "expires": 1_800_000_000_000}
    assert command.is_valid(told)
    assert not command.is_valid(told | {"params": {"x": 1}})
    assert command.is_valid(told | {"command": "set_parameter", "params": {"name": "volume_pct", "value": 3}})
    assert not command.is_valid(told | {"command": "offer_firmware"})
    reply = jsonschema.Draft202012Validator(reply_schema())
    assert reply.is_valid({"id": "c1", "state": "done", "reason": "docked"})
    assert not reply.is_valid({"id": "c1", "state": "sent"})
    operations = asyncapi(STANDARD_SIGNALS)["operations"]
    assert operations["send_cmd"]["action"] == "send"
