"""What is wrong with a file that people write (fleet/config.py), as the console says it in Chinese."""

from fleet.text import Text

OF_FILES = (
    Text("is missing", "缺少此项"),
    Text("must not be empty", "不能为空"),
    Text("unknown key {0}; allowed: {1}; did you mean {2}?", "未知的键 {0}；可用：{1}；是否指 {2}？"),
    Text("unknown key {0}; allowed: {1}", "未知的键 {0}；可用：{1}"),
    Text("here stands `key: value`, a line each, not {0:form}", "此处应为“键: 值”，每行一项，而不是{0}"),
    Text(
        "here stands a list, each item after `- `, not {0:form}", "此处应为列表，每项以 `- ` 开头，而不是{0}"
    ),
    Text("here stands a text, not {0:form}", "此处应为文本，而不是{0}"),
    Text("here stands true or false, not {0:form}", "此处应为 true 或 false，而不是{0}"),
    Text("needs at least {0} items", "至少需要 {0} 项"),
    Text(
        "{0} is no duration; write a number and s, m, h or d, such as 90s or 30m",
        "{0} 不是时长；请写数字加 s、m、h 或 d，例如 90s 或 30m",
    ),
    Text("not valid YAML: {0}", "YAML 格式有误：{0}"),
    Text("too long; allowed: {0} characters", "内容过长；最多 {0} 个字符"),
    Text("a NUL character cannot be kept", "不能含有 NUL 字符"),
    Text("allowed: {0} to {1}, not {2}", "允许 {0} 至 {1} 项，而不是 {2} 项"),
)
