"""Whether the process lives, whether it can do its work, and its figures for Prometheus."""

from fastapi import APIRouter, Request, Response
from prometheus_client import exposition

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
def metrics(services: Services, request: Request) -> Response:
    """Give the figures of this process in Prometheus' text format, or OpenMetrics where that is asked for."""
    encode, media_type = exposition.choose_encoder(request.headers.get("accept", ""))
    return Response(encode(services.registry), headers={"Content-Type": media_type})
