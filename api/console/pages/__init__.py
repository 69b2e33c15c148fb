"""The console's pages, one file a topic; each makes a router over what renders them."""

from api.console.pages import (
    account,
    alerts,
    charts,
    commands,
    courses,
    desk,
    desk_changes,
    device,
    firmware,
    fleet,
    ingest,
    links,
    models,
    people,
    sign_in,
)

__all__ = [
    "account",
    "alerts",
    "charts",
    "commands",
    "courses",
    "desk",
    "desk_changes",
    "device",
    "firmware",
    "fleet",
    "ingest",
    "links",
    "models",
    "people",
    "sign_in",
]
