"""What the pages of proofs call things, and what proofs say in English, as the console says it in Chinese."""

from fleet.proofs import ProofSource, ProofState, ProofStep
from fleet.text import Text

PROOF_TABLES = {
    "proof_source": {
        ProofSource.OWN: Text("own past", "本系统历史"),
        ProofSource.FOLDER: Text("folder", "文件夹"),
        ProofSource.FILES: Text("files sent", "上传的文件"),
    },
    "proof_state": {
        ProofState.WAITING: Text("Waits", "排队中"),
        ProofState.RUNNING: Text("Under way", "进行中"),
        ProofState.DONE: Text("Done", "已完成"),
        ProofState.FAILED: Text("Failed", "失败"),
        ProofState.BROKEN_OFF: Text("Broken off", "已中断"),
    },
    "proof_step": {
        ProofStep.EXPORTING: Text("Collecting the past", "正在整理历史数据"),
        ProofStep.TAKING_IN: Text("Taking in", "正在读入"),
        ProofStep.REPLAYING: Text("Replaying night by night", "正在逐夜回放"),
        ProofStep.WRITING: Text("Writing the report", "正在撰写报告"),
    },
}
OF_PROOFS = (
    Text("there is no proof {0}", "没有验证 {0}"),
    Text("this proof has no {0} yet", "此验证尚无 {0}"),
    Text("this proof has no case {0}", "此验证没有案例 {0}"),
    Text(
        "{0} proofs wait already; delete one, or ask later", "已有 {0} 个验证在排队；请删除一个，或稍后再试"
    ),
    Text("only what failed or was broken off can be begun again", "只有失败或中断的验证可以重新开始"),
    Text("sure: say that it is to be deleted", "请勾选确认删除"),
    Text("source: choose one: own or folder", "请选择来源：本系统历史或文件夹"),
    Text("from: {0} is no day such as 2026-01-31", "{0} 不是日期；格式如 2026-01-31"),
    Text(
        "folder: there is no {0} in DATA/histories; there are: {1}",
        "数据文件夹的 histories 中没有 {0}；现有：{1}",
    ),
    Text(
        "map: required, one file (YAML) that says which column is what",
        "必须选择一个映射文件（YAML），说明各列的含义",
    ),
    Text(
        "map: there is no {0}; it says which column is what (docs/own-history.md)",
        "缺少映射文件 {0}，它说明各列的含义",
    ),
    Text("telemetry: required, a file or a folder: {0}", "缺少遥测数据（文件或文件夹）：{0}"),
    Text("repairs: required, a file or a folder: {0}", "缺少维修记录（文件或文件夹）：{0}"),
    Text("{0}: a link is not followed; put the file itself there", "{0} 是链接，不予读取；请放入文件本身"),
    Text("no robot has sent a reading: there is nothing to replay", "尚无机器人读数，没有可回放的历史"),
    Text("--from lies behind the end of the history: {0}", "起始日期晚于历史数据的结束日期 {0}"),
    Text("the machine ended it, most likely since memory ran out", "进程被系统终止，很可能是内存不足"),
    Text(
        "it ended with code {0}, and did not say why; its last words are below",
        "进程以代码 {0} 结束，未说明原因；其最后输出见下方",
    ),
)
