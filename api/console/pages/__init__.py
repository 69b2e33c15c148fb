"""The console's pages, one file a topic; each makes a router over what renders them."""

from api.console.pages import (
    alerts,
    charts,
    desk,
    desk_changes,
    device,
    fleet,
    ingest,
    models,
    people,
    sign_in,
)

__all__ = [
    "alerts",
    "charts",
    "desk",
    "desk_changes",
    "device",
    "fleet",
    "ingest",
    "models",
    "people",
    "sign_in",
]
