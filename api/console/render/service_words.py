"""The words of the service's people and lists, in both languages."""

from fleet.customers import Included, PlanName, Tier, Visiting
from fleet.engineers import DueKind
from fleet.lists import ListKind, Verdict
from fleet.text import Text

COLUMNS = {
    "id": Text("Id", "编号"),
    "number": Text("Number", "编号"),
    "code": Text("Code", "编码"),
    "name": Text("Name", "姓名"),
    "name_en": Text("Name in English", "英文名称"),
    "name_zh": Text("Name in Chinese", "中文名称"),
    "tier": Text("Tier", "客户等级"),
    "plan": Text("Plan", "方案"),
    "language": Text("Language", "语言"),
    "contact_name": Text("Contact", "联系人"),
    "contact_phone": Text("Phone", "电话"),
    "contact_email": Text("E-mail", "邮箱"),
    "visits": Text("Visits", "额外上门时间"),
    "notes": Text("Notes", "备注"),
    "active": Text("Active", "启用"),
    "customer": Text("Customer", "客户"),
    "begins": Text("First day", "开始日期"),
    "ends": Text("Last day", "结束日期"),
    "sites": Text("Sites", "站点"),
    "includes": Text("Included", "包含"),
    "visits_a_year": Text("Maintenance visits a year", "每年保养次数"),
    "price": Text("Price", "价格"),
    "account": Text("Account", "账号"),
    "region": Text("Region", "区域"),
    "leader": Text("Leader", "组长"),
    "director": Text("Director", "总监"),
    "phone": Text("Phone", "电话"),
    "email": Text("E-mail", "邮箱"),
    "skills": Text("Skills", "技能"),
    "certificates": Text("Certificates", "证书"),
    "training": Text("Training", "培训"),
    "shifts": Text("Shifts", "班次"),
    "home_lat": Text("Home, latitude", "驻地纬度"),
    "home_lon": Text("Home, longitude", "驻地经度"),
    "van": Text("Van", "服务车"),
    "employer": Text("Employer", "所属外协单位"),
    "part": Text("Part", "备件"),
    "place": Text("Place", "存放处"),
    "to": Text("Move to", "移往"),
    "kind": Text("What it is", "类型"),
    "lat": Text("Latitude", "纬度"),
    "lon": Text("Longitude", "经度"),
    "why": Text("Reason", "原因"),
    "quantity": Text("Quantity", "数量"),
    "on_hand": Text("Counted pieces", "盘点数量"),
}
"""What fields of the service's forms are called: as columns of lists they have their own names."""
SERVICE_TABLES = {
    "column": COLUMNS,
    "tier": {
        Tier.A: Text("A", "A 级"),
        Tier.B: Text("B", "B 级"),
        Tier.C: Text("C", "C 级"),
    },
    "plan": {
        PlanName.BASIC: Text("Basic", "基础版"),
        PlanName.GOLD: Text("Gold", "金牌版"),
        PlanName.PREMIUM: Text("Premium", "尊享版"),
    },
    "visiting": {
        Visiting.BEFORE_8: Text("before 8 in the morning", "早 8 点前"),
        Visiting.AFTER_20: Text("after 8 in the evening", "晚 8 点后"),
        Visiting.WEEKENDS: Text("at weekends", "周末"),
    },
    "included": {
        Included.LABOUR: Text("labour", "人工"),
        Included.PARTS: Text("parts", "备件"),
        Included.CONSUMABLES: Text("consumables", "耗材"),
        Included.LOAN_DEVICE: Text("a loan device", "备用机"),
    },
    "due": {
        DueKind.EXPIRES: Text("Certificate expires", "证书即将到期"),
        DueKind.EXPIRED: Text("Certificate has expired", "证书已过期"),
        DueKind.NO_CERTIFICATE: Text("Skill without a certificate", "技能缺少证书"),
        DueKind.TRAINING: Text("Training", "培训"),
    },
    "list": {
        ListKind.CUSTOMERS: Text("Customers", "客户"),
        ListKind.SITES: Text("Sites", "站点"),
        ListKind.CONTRACTS: Text("Contracts", "合同"),
        ListKind.ENGINEERS: Text("Engineers", "工程师"),
        ListKind.PARTS: Text("Parts", "备件"),
        ListKind.DEVICES: Text("Devices", "设备"),
        ListKind.STOCK: Text("Stock: a count", "库存盘点"),
    },
    "verdict": {
        Verdict.NEW: Text("new", "新增"),
        Verdict.CHANGED: Text("changed", "更改"),
        Verdict.UNCHANGED: Text("unchanged", "不变"),
        Verdict.REFUSED: Text("refused", "拒绝"),
    },
}
"""Words by table and value."""
