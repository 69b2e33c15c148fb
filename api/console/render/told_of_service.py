"""What desk/people/ and desk/lists/ say in English, as the console says it in Chinese; for told.py."""

import re

from fleet.text import Text

_CELLS = (
    Text("{1} is none; allowed: {2}; did you mean {3}?", "{1} 无效；允许：{2}；是否指 {3}？"),
    Text("{1} is none; allowed: a number from {2} to {3}", "{1} 无效；须为 {2} 到 {3} 的数字"),
    Text("{1} is none; allowed: a whole number from {2} to {3}", "{1} 无效；须为 {2} 到 {3} 的整数"),
    Text("{1} is none; allowed: 1 to 64 characters without /", "{1} 无效；须为 1 至 64 个字符，不含 /"),
    Text(
        "{1} is none; allowed: 1 to 64 letters, digits, _ and -",
        "{1} 无效；须为 1 至 64 个字母、数字、_ 或 -",
    ),
    Text(
        "{1} is none; allowed: 3 to 32 digits, blanks and + ( ) . / -",
        "{1} 无效；须为 3 至 32 个数字、空格或 + ( ) . / -",
    ),
    Text("{1} is none; allowed: an address such as {2}", "{1} 无效；请填写邮箱，例如 {2}"),
    Text("{1} is none; allowed: each of {2} once, then its hours", "{1} 无效；须为 {2} 各一次，其后为时段"),
    Text("{1} is none; allowed: {2}", "{1} 无效；允许：{2}"),
    Text("{1} characters; allowed: at most {2}", "{1} 个字符；最多 {2} 个"),
    Text("{1} holds what cannot be seen; allowed: text", "{1} 含有不可见字符；只允许文字"),
    Text("{1} is no date; allowed: 2026-01-05 or 2026/1/5", "{1} 不是日期；可写 2026-01-05 或 2026/1/5"),
    Text("{1} are no hours; allowed: 08:00-18:00", "{1} 不是时段；可写 08:00-18:00"),
    Text(
        "{1} has {2} parts; allowed: {3}, with ; between several", "{1} 有 {2} 部分；须为 {3}，多个用 ; 分隔"
    ),
    Text("is missing: it has to be said", "缺少，必须填写"),
    Text("there is no engineer {1}; describe them first", "没有工程师 {1}；请先登记"),
    Text("there is no customer {1}; describe it first", "没有客户 {1}；请先登记"),
    Text("there is no person {1}", "没有人员 {1}"),
    Text("there is no place {1} that is used; describe it first", "没有在用的存放处 {1}；请先登记"),
    Text("there is no part {1} in the catalogue; describe it first", "备件目录中没有 {1}；请先登记"),
    Text("{1} is led by {2}; choose another", "{1} 的组长是 {2}；请另选"),
    Text("it is that of the engineer {1} already", "已属于工程师 {1}"),
    Text(
        "{1} is before it begins ({2}); allowed: that day or later", "{1} 早于开始日期（{2}）；须为当日或之后"
    ),
)
"""What is wrong with a cell of a list, or with a field of a form, whose name then stands before it as {0}."""


def _alone(text: Text) -> Text:
    """Return a sentence without the field's name: its values are counted from 0."""

    def lower(found: re.Match[str]) -> str:
        return f"{{{int(found[1]) - 1}}}"

    return Text(*(re.sub(r"{(\d)}", lower, each) for each in (text.en, text.zh)))


OF_SERVICE = (
    Text("home_lat, home_lon: allowed: both or none", "驻地的纬度与经度须同时填写，或都不填"),
    *(Text(f"{{0:column}}: {each.en}", f"“{{0}}”：{each.zh}") for each in _CELLS),
    Text("it was changed by someone else meanwhile; read it again", "已被他人更改；请重新打开"),
    Text("it was added by someone else meanwhile; read it again", "已被他人添加；请重新打开"),
    Text("it was changed by someone else meanwhile; import the list again", "已被他人更改；请重新导入列表"),
    Text("there is no customer {0}", "没有客户 {0}"),
    Text("there is no engineer {0}", "没有工程师 {0}"),
    Text("this file is not there any more: choose it again", "该文件已不存在，请重新选择"),
    Text("file: choose a file first; allowed: CSV", "请先选择 CSV 文件"),
    Text("the file has {0} bytes; allowed: at most {1}", "文件有 {0} 字节；最多 {1} 字节"),
    Text(
        "the file is empty; its first line names columns: {0}",
        "文件为空；第一行须为列名：{0}",
    ),
    Text(
        "the file is in UTF-16; allowed: UTF-8 or GB18030; save it as CSV UTF-8",
        "文件为 UTF-16 编码；只允许 UTF-8 或 GB18030，请另存为 CSV UTF-8",
    ),
    Text(
        "the file is neither UTF-8 nor GB18030: line {0} has a byte that is no character; "
        "allowed: UTF-8 or GB18030; save it as CSV UTF-8",
        "文件既非 UTF-8 也非 GB18030：第 {0} 行有无法识别的字节；请另存为 CSV UTF-8",
    ),
    Text("the column {0} is unknown; allowed: {1}; did you mean {2}?", "没有列 {0}；允许：{1}；是否指 {2}？"),
    Text("the column {0} is unknown; allowed: {1}", "没有列 {0}；允许：{1}"),
    Text("the column {0} stands in the header twice", "列 {0} 在表头中出现两次"),
    Text("the column {0} is missing: rows are known by it", "缺少列 {0}：各行以它识别"),
    Text(
        "line {0}: it cannot be read ({1}); a cell with quotes, line breaks or {2} stands in quotes, "
        "and its own quotes twice",
        "第 {0} 行无法读取（{1}）；含引号、换行或 {2} 的单元格须加引号，其中的引号须写两次",
    ),
    Text("it has {0} cells; the header has {1}", "该行有 {0} 格，表头有 {1} 格"),
    Text("{0} stands in line {1} already", "{0} 已出现在第 {1} 行"),
    Text(
        "it is a {0:kind}; what a device is stays: register another", "该设备是{0}，类型不能更改：请另行登记"
    ),
    Text(
        "it is at {0}; move it first: its credential is for there",
        "该设备位于 {0}；请先迁移，其凭证属于该站点",
    ),
    Text("no device can be at {0}; choose another", "设备不能位于 {0}；请另选"),
    Text("lat, lon: allowed: both or none", "纬度与经度须同时填写，或都不填"),
    *map(_alone, _CELLS),
)
