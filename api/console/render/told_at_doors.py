"""What the doors say in English (access/), as the console says it in Chinese; told.py looks it up."""

from fleet.text import Text

AT_DOORS = (
    Text("this address and password do not belong together", "邮箱与密码不匹配"),
    Text("too many attempts; try again in {0} seconds", "尝试次数过多，请在 {0} 秒后再试"),
    Text(
        "too many requests from your address; try again in {0} seconds",
        "来自您地址的请求过多，请在 {0} 秒后再试",
    ),
    Text("too many requests of yours; try again in {0} seconds", "您的请求过多，请在 {0} 秒后再试"),
    Text(
        "too many attempts from your address; try again in {0} seconds",
        "来自您地址的尝试次数过多，请在 {0} 秒后再试",
    ),
    Text(
        "too many bad tokens or sessions from your address; try again in {0} seconds",
        "来自您地址的无效令牌或会话过多，请在 {0} 秒后再试",
    ),
    Text("this needs {0}, which {1} does not have", "此操作需要 {0} 权限，{1} 没有该权限"),
    Text("this is of the whole installation, not of some sites", "此内容属于整个系统，不限于部分站点"),
    Text("there is no person {0}", "没有编号为 {0} 的人员"),
    Text("there is no token {0}", "没有编号为 {0} 的令牌"),
    Text("there is no such session", "没有此会话"),
    Text(
        "token {0} was renewed already; renew the one in its place", "令牌 {0} 已更新过，请更新替代它的令牌"
    ),
    Text("a token ends no later than {0}, which makes it", "令牌的有效期不得晚于创建它的令牌 {0}"),
    Text("sites: at least one, or none named for everywhere", "至少选择一个站点；不选表示全部站点"),
    Text(
        "this code is not right, or was used already; type the one that the phone shows now",
        "验证码不正确或已使用过；请输入手机当前显示的验证码",
    ),
    Text("this password or code is not right", "密码或验证码不正确"),
    Text("this password is not right", "密码不正确"),
    Text("this sign-in is over, or was ended already; begin again", "此次登录已失效或已完成，请重新登录"),
    Text(
        "this page is of another session: load it again, and repeat what you did",
        "此页面属于另一会话，请刷新后重试",
    ),
    Text(
        "the second step is on already; turn it off before you set up another phone",
        "两步验证已启用；更换手机前请先关闭",
    ),
    Text("there is nothing to confirm here any more; begin again", "此处已无待确认内容，请重新开始"),
    Text("the second step is off", "两步验证未启用"),
    Text(
        "set up the second step first: /account/second-factor",
        "请先设置两步验证：/account/second-factor",
    ),
    Text(
        "this sign-in was not begun in this browser, or is over; begin again",
        "此次登录并非由此浏览器发起或已失效，请重新登录",
    ),
    Text("the provider did not let you in", "登录服务未放行"),
    Text(
        "the provider does not answer as it should; try again later, or sign in by password",
        "登录服务无正常响应；请稍后再试，或使用密码登录",
    ),
    Text("what the provider says cannot be believed: {0}", "登录服务返回的内容不可信：{0}"),
    Text(
        "the provider does not say that your e-mail address is yours (email_verified)",
        "登录服务未确认您的邮箱（email_verified）",
    ),
    Text("nobody has invited you here; ask an admin", "您未受邀，请联系管理员"),
    Text(
        "another account of the provider has your address here; ask an admin",
        "您的邮箱已绑定登录服务的另一账户，请联系管理员",
    ),
    Text(
        "the provider gives you no role here any more; ask an admin",
        "登录服务未再授予您任何角色，请联系管理员",
    ),
    Text("you may not sign in here any more", "您已被禁止登录"),
    Text(
        "nobody signs in by a provider here; oidc.issuer is not set",
        "此处未启用单点登录（未设置 oidc.issuer）",
    ),
    Text("this link is over, or was used already; ask for another", "此链接已失效或已使用，请索取新链接"),
    Text("password: of {0} to {1} characters", "密码须为 {0} 至 {1} 个字符"),
    Text(
        "password: too easily guessed; several words that belong to nothing are good",
        "密码太容易猜到：可用几个互不相关的词",
    ),
    Text("email: {0} is no e-mail address", "{0} 不是有效的邮箱地址"),
    Text("there is a person with the address {0} already", "已有邮箱为 {0} 的人员"),
    Text("name: required, 1 to {0} characters that can be seen", "必须填写名称（1 至 {0} 个字符）"),
    Text(
        "roles: an admin is one everywhere; a manager may be one of a site or region",
        "管理员须适用于全部范围；服务经理可限于站点或区域",
    ),
    Text("scopes: at least one is required; allowed: {0}", "至少选择一项权限；允许：{0}"),
    Text("token {0} is over; make another", "令牌 {0} 已失效，请另建"),
    Text(
        "a token can do no more than {0}, who does not have {1} there",
        "令牌权限不得超过 {0}，其在该处无 {1} 权限",
    ),
    Text(
        "zone: {0} is no time zone; allowed are names such as Asia/Shanghai",
        "{0} 不是时区；请使用 Asia/Shanghai 之类的名称",
    ),
    Text("lat: {0} is none; allowed: -90 to 90, in degrees", "纬度 {0} 无效；允许 -90 至 90 度"),
    Text("lon: {0} is none; allowed: -180 to 180, in degrees", "经度 {0} 无效；允许 -180 至 180 度"),
    Text(
        "id: {0} is none; allowed: 1 to 64 letters, digits, _ and -",
        "编号 {0} 无效；须为 1 至 64 个字母、数字、_ 或 -",
    ),
    Text("there is a site {0} already", "已有站点 {0}"),
    Text("there is no site {0}; describe it first", "没有站点 {0}，请先登记该站点"),
    Text("there is no region {0}; describe a site of it first", "没有区域 {0}，请先登记其站点"),
    Text("there is no site {0}", "没有站点 {0}"),
    Text("id: no device can be at {0}; choose another", "编号 {0} 已保留，请另选"),
    Text("lat, lon: allowed: both or none", "纬度和经度须同时填写或都不填"),
    Text("id: required; the serial number {0} cannot be one", "须填写编号：序列号 {0} 不能用作编号"),
    Text("id: {0} is ours; no device's begins with {1}", "编号 {0} 已保留：设备编号不能以 {1} 开头"),
    Text(
        "id: {0} is none; allowed: A-Z, a-z, 0-9, _ and -, 1 to 64 of them",
        "编号 {0} 无效；允许 1 至 64 个字符（A-Z a-z 0-9 _ -）",
    ),
    Text("to: {0} is what is taken back; name another version", "{0} 正是要撤回的版本，请指定其他版本"),
    Text(
        "no device has this serial number and code, or it was claimed already",
        "序列号与代码不匹配，或设备已被认领",
    ),
    Text("{0} has a credential already; rotate it", "{0} 已有凭证，请轮换"),
    Text("there is a device {0} already: a {1} at {2}", "已有设备 {0}（{1}，站点 {2}）"),
    Text("site: {0} is none of yours", "站点：{0} 不在您的权限范围内"),
    Text("{0} was revoked at the broker: it hears no command", "{0} 的凭证已吊销，收不到指令"),
    Text("id: {0} is taken; choose another", "编号 {0} 已被占用，请另选"),
    Text("there is a device {0} already, with another serial number", "已有设备 {0}，其序列号不同"),
    Text(
        "you are not signed in any more; sign in, go back, and send it again",
        "登录已失效；请重新登录，返回后再次提交",
    ),
    Text(
        "region: only who may act everywhere moves a site: roles hold in regions",
        "区域：角色按区域授予，只有全局权限者可更改站点的区域",
    ),
    Text("{0} may not sign in; let them in again first", "{0} 已被禁止登录，请先恢复"),
    Text(
        "nobody could let others in any more: first make somebody else an admin who has signed in",
        "将无人可以授权他人：请先指定另一位已登录过的管理员",
    ),
)
