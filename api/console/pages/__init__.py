"""The console's pages, one file a topic; each makes a router over what renders them."""

from api.console.pages import alerts, charts, courses, desk, desk_changes, device, fleet, ingest, models

__all__ = ["alerts", "charts", "courses", "desk", "desk_changes", "device", "fleet", "ingest", "models"]
