"""What intake and files say in English, as the console says it in Chinese; told.py looks it up."""

from fleet.text import Text

OF_INTAKE = (
    Text("words: say what is wrong; required", "请填写问题描述"),
    Text("words: at most {0} characters", "问题描述最多 {0} 个字符"),
    Text("who: at most {0} characters", "姓名最多 {0} 个字符"),
    Text("contact: at most {0} characters", "联系方式最多 {0} 个字符"),
    Text("suits: {0} is none; allowed: {1}", "没有时间段 {0}；允许：{1}"),
    Text("suits_on: {0} is no date; allowed: 2026-11-30", "{0} 不是日期；格式如 2026-11-30"),
    Text("suits_on: allowed: from today on, up to {0} days ahead", "上门日期须在今天起 {0} 天内"),
    Text("site: required, where no device is named", "未填写设备时必须选择站点"),
    Text("device: {0} is the serial number of several", "多台设备的序列号都是 {0}"),
    Text("device: {0} is none of this site; choose one of the list", "此站点没有设备 {0}；请从列表中选择"),
    Text("device_id: required", "必须填写设备"),
    Text("fault: choose one", "请选择故障"),
    Text("pictures: at most {0}", "照片最多 {0} 个"),
    Text("files: choose 1 to {0}", "请选择 1 至 {0} 个文件"),
    Text("there is no request {0}", "没有报修单 {0}"),
    Text("request {0} is placed already", "报修单 {0} 已建单"),
    Text("request {0} is dismissed already", "报修单 {0} 已驳回"),
    Text("request {0} was placed or dismissed at this moment", "报修单 {0} 刚刚已被他人处理，请重新打开"),
    Text("request {0} is not placed; place it first", "报修单 {0} 尚未建单，请先分派设备"),
    Text("ticket {0} is closed; report it anew", "工单 {0} 已关闭，请重新报修"),
    Text("this link opens nothing any more; ask for a new one", "此链接已失效，请索取新的链接"),
    Text("too many reports by this link; try again in an hour", "此链接的报修过多，请一小时后再试"),
    Text(
        "{0}: the file is none of those that are taken; allowed: JPEG, PNG, WebP and GIF pictures, and PDF",
        "{0}：不支持此文件；允许 JPEG、PNG、WebP、GIF 图片和 PDF",
    ),
    Text("{0}: the file is empty", "{0}：文件为空"),
    Text("{0}: the file has {1} bytes; allowed: {2} MB", "{0}：文件有 {1} 字节；最大 {2} MB"),
    Text("{0}: the picture is damaged: it cannot be decoded as a whole", "{0}：图片已损坏，无法完整读取"),
    Text(
        "{0}: the picture has too many pixels; allowed: {1} million", "{0}：图片像素过多；最多 {1} 百万像素"
    ),
    Text("{0}: the PDF asks for a password; send it without one", "{0}：PDF 有密码，请去除密码后上传"),
    Text(
        "{0}: the PDF is damaged or too large within; save it anew, or send a picture of it",
        "{0}：PDF 已损坏或内容过大，请重新保存或改传图片",
    ),
    Text(
        "{0}: the PDF takes too long to read; save it anew, or send a picture of it",
        "{0}：PDF 读取时间过长，请重新保存或改传图片",
    ),
    Text("ticket {0} has {1} files, which is the most", "工单 {0} 已有 {1} 个文件，达到上限"),
)
