"""The one table of who may do what: what each role is for."""

from fleet.grants import Grant, Permission, Role, Sites

_SEES = frozenset({Permission.FLEET_READ})
_REPORTS = _SEES | {Permission.TICKETS_REPORT}
ALLOWED: dict[Role, frozenset[Permission]] = {
    Role.VIEWER: _SEES,
    Role.ENGINEER: _REPORTS
    | {
        Permission.TICKETS_CHANGE,
        Permission.ALERTS_CHANGE,
        Permission.COMMANDS_SEND,
        # Whom to call: phone numbers and addresses of customers and colleagues.
        Permission.SERVICE_READ,
        # Their van: what is in it, and what they take along.
        Permission.PARTS_READ,
        Permission.PARTS_CHANGE,
    },
    Role.MANAGER: _REPORTS
    | {
        Permission.TICKETS_CHANGE,
        Permission.ALERTS_CHANGE,
        Permission.RULES_CHANGE,
        Permission.DUTY_CHANGE,
        Permission.NOTICES_READ,
        Permission.NOTICES_MANAGE,
        Permission.DEVICES_CHANGE,
        Permission.DEVICES_ADMIT,
        Permission.COMMANDS_SEND,
        # What stays changed: parameters and firmware.
        Permission.COMMANDS_CONFIGURE,
        Permission.FIRMWARE_MANAGE,
        Permission.SITES_CHANGE,
        Permission.VISITS_READ,
        Permission.DISPATCH_CHANGE,
        Permission.INDICATORS_READ,
        Permission.INDICATORS_CHANGE,
        Permission.MODELS_READ,
        Permission.INGEST_READ,
        Permission.SERVICE_READ,
        Permission.SERVICE_MANAGE,
        Permission.PARTS_READ,
        Permission.PARTS_CHANGE,
        Permission.PARTS_ORDER,
    },
    # Safety watches over people: their alerts, and what their wristbands tell of them.
    Role.SAFETY: _REPORTS
    | {
        Permission.TICKETS_CHANGE,  # cases of safety are theirs to see to
        Permission.ALERTS_CHANGE,
        Permission.PERSONAL_READ,
        Permission.PERSONAL_ERASE,
    },
    # An admin lets others in, and has no business with what wristbands tell, but may have it erased.
    Role.ADMIN: frozenset(Permission) - {Permission.PERSONAL_READ},
}


def granted(role: Role, sites: Sites = None) -> Grant:
    """Return what a role may do at some sites, None at all."""
    return Grant(ALLOWED[role], sites, role)
