"""Files are read as spreadsheets write them; what is no list is refused as a whole, and says why."""

import pytest

from desk.lists.reading import read_table
from desk.lists.sheets import SHEETS
from fleet.errors import InvalidInput
from fleet.lists import ListKind

CUSTOMERS = ListKind.CUSTOMERS


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030"])
@pytest.mark.parametrize("newline", ["\n", "\r\n"])
def test_spreadsheets_write_it_in_their_own_way(delimiter: str, encoding: str, newline: str) -> None:
    text = newline.join(['ID,"Name_ZH",tier', "hotel,上海酒店,A", ",,", ""]).replace(",", delimiter)
    table = read_table(text.encode(encoding), SHEETS[CUSTOMERS])
    assert table.header == ("id", "name_zh", "tier")
    assert table.rows == [(2, ["hotel", "上海酒店", "A"])]
    assert table.delimiter == delimiter
    assert table.encoding == ("GB18030" if encoding == "gb18030" else "UTF-8")


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "the file is empty; its first line names columns: id, name_en"),
        (b"\xef\xbb\xbf\r\n", "the file is empty"),
        (b"id,tear\nx,A\n", 'the column "tear" is unknown; allowed: id, .*; did you mean tier?'),
        (b"name_en\nx\n", 'the column "id" is missing'),
        (b"id,tier,tier\nx,A,A\n", 'the column "tier" stands in the header twice'),
        ("id\nx\n".encode("utf-16"), "the file is in UTF-16; allowed: UTF-8 or GB18030"),
        (b"id,name_en\nx,\xff\xff\n", "neither UTF-8 nor GB18030: line 2"),
        (b'id,name_en\nx,ok\ny,"open\n', "line 3: it cannot be read"),
    ],
)
def test_what_is_no_list_is_refused_as_a_whole(content: bytes, said: str) -> None:
    with pytest.raises(InvalidInput, match=said.replace("?", r"\?")):
        read_table(content, SHEETS[CUSTOMERS])
