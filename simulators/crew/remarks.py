"""What engineers write down of a visit, in both languages of the house."""

from collections.abc import Sequence

from fleet.faults import FAULTS


def visit_words(found: Sequence[str], deferred: Sequence[str]) -> str:
    """Return what an engineer writes of what was mended, and of what is left for a follow-up visit."""
    if not found and not deferred:
        return "Nothing was to be found: it runs as it should. 未发现故障，运行正常。"
    said = "What was suspected is not there. 未发现所疑故障。"
    if found:
        said = f"{_named(found)}: mended, test run without an error. 已修复，试运行正常。"
    if not deferred:
        return said
    later = "has only begun, mended on a follow-up visit. 刚出现征兆，后续上门处理。"
    return f"{said} {_named(deferred)}: {later}"


def _named(faults: Sequence[str]) -> str:
    return ", ".join(f"{FAULTS[fault].name.en} {FAULTS[fault].name.zh}" for fault in faults)
