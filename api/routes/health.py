"""Whether the process lives, whether it can do its work, and its figures for Prometheus."""

from fastapi import APIRouter, Request, Response

from api.doors import SeesMetrics, everywhere
from api.exposition import exposed
from api.problems import problem
from api.routes.common import problems
from api.schemas import Health, Ready
from api.services import Services

router = APIRouter(tags=["health"])


@router.get("/healthz")
def healthz() -> Health:
    """Tell that the process answers."""
    return Health(status="ok")


@router.get("/readyz", response_model=Ready, responses=problems(unavailable="Some component does not work"))
def readyz(services: Services) -> Ready | Response:
    """Tell whether every component works; each that does not is named with what is wrong."""
    found = services.readiness()
    components = {name: wrong or "ok" for name, wrong in found.items()}
    wrong = [f"{name}: {text}" for name, text in found.items() if text is not None]
    if wrong:
        return problem(503, "; ".join(wrong), components=components)
    return Ready(status="ready", components=components)


@router.get("/metrics", response_class=Response)
def metrics(services: Services, sites: SeesMetrics, request: Request) -> Response:
    """Give the figures of this process in Prometheus' text format, or OpenMetrics where that is asked for.

    With `?name[]=` (several are allowed) only the samples of these names.
    """
    everywhere(sites)
    accept, names = request.headers.get("accept", ""), request.query_params.getlist("name[]")
    media_type, text = exposed(services.registry, accept, names)
    return Response(text, headers={"Content-Type": media_type})
