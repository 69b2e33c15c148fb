"""Remarks of customers as they might be written, in six topics and two languages, the same for a seed."""

import random

TOPICS: dict[str, dict[str, tuple[tuple[str, ...], ...]]] = {
    "late": {
        "zh": (
            ("工程师", "师傅", "维修人员", "你们的人"),
            ("迟到了", "来得太晚", "没有按时到", "比约定时间晚"),
            ("两个小时", "半天", "很久", "一天"),
            ("没有提前通知", "等了很久", "耽误了我们开工", "电话也不接"),
        ),
        "en": (
            ("The engineer", "Your technician", "The repair man", "He"),
            ("came late by", "arrived later than agreed by", "kept us waiting for", "was late by"),
            ("two hours", "half a day", "a whole day", "ages"),
            (
                "without calling us",
                "and nobody told us",
                "so our shift was delayed",
                "and did not pick up the phone",
            ),
        ),
    },
    "brush": {
        "zh": (
            ("滚刷", "主刷", "刷子"),
            ("又卡住了", "还是缠头发", "还是有异响", "转不动"),
            ("修完第二天", "换了新的以后", "维修之后", "没用几次"),
            ("清扫不干净", "地上留下毛发", "噪音很大", "只能停用"),
        ),
        "en": (
            ("The brush", "The main brush", "The roller brush"),
            ("jams again", "still squeals", "is full of hair again", "does not turn"),
            ("a day after the repair", "although it is new", "since the repair", "after a few rounds"),
            (
                "and leaves hair on the floor",
                "and it is very loud",
                "so it does not clean",
                "and we had to stop it",
            ),
        ),
    },
    "battery": {
        "zh": (
            ("电池", "续航", "电量"),
            ("掉得很快", "不耐用", "充不满", "用一会儿就没电"),
            ("换了电池以后", "修好之后", "现在", "上周起"),
            ("半小时就要回充", "跑不完一层楼", "充电时间太长", "中途停在走廊"),
        ),
        "en": (
            ("The battery", "Battery life", "The charge"),
            ("drains fast", "does not last", "never gets full", "is empty too soon"),
            ("since the new battery", "after the repair", "now", "since last week"),
            (
                "and it docks after half an hour",
                "so it cannot finish a floor",
                "and charging takes hours",
                "and it dies in the corridor",
            ),
        ),
    },
    "water": {
        "zh": (
            ("水箱", "底部", "机器下面", "出水口"),
            ("漏水", "一直滴水", "渗水", "流了很多水"),
            ("密封圈换过", "修了两次", "昨天修完", "大堂里"),
            ("地面很滑", "客人差点滑倒", "拖完一滩水", "还是湿的"),
        ),
        "en": (
            ("The tank", "The bottom", "The water outlet", "It"),
            ("leaks water", "keeps dripping", "is leaking", "lost a lot of water"),
            ("although the seal is new", "after two repairs", "since yesterday", "in the lobby"),
            (
                "and the floor is slippery",
                "and a guest nearly slipped",
                "and leaves puddles",
                "so everything is wet",
            ),
        ),
    },
    "price": {
        "zh": (
            ("收费", "价格", "费用", "账单"),
            ("太贵了", "不透明", "比报价高", "没有说明"),
            ("一个小配件", "这次维修", "上门费", "保修期内"),
            ("希望给发票明细", "下次先报价", "请解释一下", "不太合理"),
        ),
        "en": (
            ("The price", "The bill", "The invoice", "The fee"),
            ("is too high", "is not clear", "is more than the quote", "was not explained"),
            ("for a small part", "for this repair", "for the visit", "within warranty"),
            (
                "please send a detailed invoice",
                "quote it first next time",
                "please explain",
                "that is not reasonable",
            ),
        ),
    },
    "praise": {
        "zh": (
            ("师傅", "工程师", "小伙子", "维修人员"),
            ("态度很好", "非常专业", "很有耐心", "讲解很清楚"),
            ("速度快", "动作麻利", "服务周到", "一次修好"),
            ("非常满意", "谢谢", "值得表扬", "下次还找他"),
        ),
        "en": (
            ("The engineer", "The technician", "Your colleague", "He"),
            ("was friendly", "was very professional", "was patient", "explained everything well"),
            ("and quick", "and fixed it at once", "and left it tidy", "and polite"),
            ("very satisfied", "thank you", "great service", "we would ask for him again"),
        ),
    },
}
"""For each topic and language what a remark is put together from."""


def generated(count: int, seed: int = 1) -> list[tuple[str, str, str]]:
    """Return remarks with their topic and language; each topic is as frequent as the others."""
    random_ = random.Random(seed)
    found = []
    for number in range(count):
        topic = list(TOPICS)[number % len(TOPICS)]
        language = "zh" if number // len(TOPICS) % 2 else "en"
        words = [random_.choice(each) for each in TOPICS[topic][language]]
        if random_.random() < 0.4:
            words.pop(random_.randrange(len(words)))
        found.append((("，" if language == "zh" else " ").join(words), topic, language))
    return found
