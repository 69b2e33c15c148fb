"""InfluxQL and its answers, without a server."""

import polars as pl

from storage.series.influx import query as influxql

_HEADER = b"name,tags,time,received\n"


def test_answers_that_are_joined_read_as_all_their_rows_in_order() -> None:
    answers = [
        b"",
        _HEADER + b'robot,"device=R1,site=s",1,5\nrobot,"device=R1,site=s",2,6\n',
        b"\n",
        _HEADER + b'robot,"device=R2,site=s",3,7\n',
    ]
    found = influxql.read_csv(influxql.joined(answers), {"received": pl.Float64()})
    assert found.rows() == [
        ("device=R1,site=s", 1, 5.0),
        ("device=R1,site=s", 2, 6.0),
        ("device=R2,site=s", 3, 7.0),
    ]


def test_no_answer_with_rows_reads_as_an_empty_frame() -> None:
    assert influxql.read_csv(influxql.joined([b"", b"\n"]), {}).is_empty()
    assert influxql.read_csv(influxql.joined([]), {}).columns == ["tags", "time"]
