"""The figures of a process as Prometheus reads them."""

from collections.abc import Sequence

from prometheus_client import CollectorRegistry, exposition


def exposed(registry: CollectorRegistry, accept: str, names: Sequence[str] = ()) -> tuple[str, bytes]:
    """Return media type and text of all figures, or of those named: then no other is worked out.

    The format is Prometheus' own, or OpenMetrics where `accept` asks for it. `names` are of samples, as they
    stand in the text; as elsewhere they are asked for with `?name[]=`.
    """
    encode, media_type = exposition.choose_encoder(accept)
    chosen = registry.restricted_registry(list(names)) if names else registry
    return media_type, encode(chosen)
