"""Where training works: in this process, in several on this machine, or on a Dask cluster."""

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any, TypeVar

from fleet.catalogue.entries import Catalogue
from fleet.catalogue.present import adopt, present
from fleet.errors import ConfigError, WorkersUnavailable

R = TypeVar("R")
_CONNECT_S = 10


@dataclass(frozen=True, slots=True)
class Workers:
    """Runs tasks in `jobs` processes (1: in this one), or on the cluster of the Dask `scheduler` at a URL.

    Wherever they run, results are the same and come in the order of the tasks.
    """

    jobs: int = 1
    scheduler: str | None = None

    def run(self, work: Callable[..., R], tasks: Iterable[tuple[Any, ...]]) -> Iterator[R]:
        """Yield work(*task) of each task; tasks are made only when someone is about to be free for them.

        Raises WorkersUnavailable when the cluster does not answer or cannot do the work, ConfigError when
        the package that speaks to it is not installed.
        """
        if self.scheduler is None and self.jobs == 1:
            return (work(*task) for task in tasks)
        elsewhere = partial(_there, present(), work)
        if self.scheduler is not None:
            return _on_dask(self.scheduler, elsewhere, tasks)
        return _in_processes(self.jobs, elsewhere, tasks)


def _there(catalogue: Catalogue, work: Callable[..., R], *task: Any) -> R:
    """Do work in another process, with the catalogue of this one."""
    adopt(catalogue)
    return work(*task)


def _in_processes(jobs: int, work: Callable[..., R], tasks: Iterable[tuple[Any, ...]]) -> Iterator[R]:
    from joblib import Parallel, delayed

    parallel = Parallel(n_jobs=jobs, return_as="generator", pre_dispatch=jobs)
    results: Iterator[R] = parallel(delayed(work)(*task) for task in tasks)
    return results


def _on_dask(scheduler: str, work: Callable[..., R], tasks: Iterable[tuple[Any, ...]]) -> Iterator[R]:
    try:
        from distributed import Client
    except ImportError as error:
        raise ConfigError(
            "models.dask_scheduler is set, but the package distributed is not installed: "
            "install sweepwatch[dask]"
        ) from error
    try:
        client: Any = Client(scheduler, timeout=_CONNECT_S, set_as_default=False)  # type: ignore[no-untyped-call] # ships few types
    except (OSError, ValueError) as error:
        raise WorkersUnavailable(f"no Dask scheduler answers at {scheduler}: {_one_line(error)}") from error
    with client:
        count = len(client.scheduler_info()["workers"])
        if not count:
            raise WorkersUnavailable(f"the Dask scheduler at {scheduler} has no worker")
        waiting: deque[Any] = deque()
        for task in tasks:
            # Scattered, so that rows travel once to one worker and never through the scheduler's graph.
            rows = client.scatter(task, hash=False)
            waiting.append(client.submit(_apply, work, *rows, pure=False))
            if len(waiting) > count:
                yield _result(waiting.popleft(), scheduler)
        while waiting:
            yield _result(waiting.popleft(), scheduler)


def _apply(work: Callable[..., R], *task: Any) -> R:
    return work(*task)


def _result(future: Any, scheduler: str) -> Any:
    try:
        return future.result()
    except Exception as error:  # a worker's failure, or its loss, is whatever it was there
        raise WorkersUnavailable(f"a worker of {scheduler} failed: {_one_line(error)}") from error


def _one_line(error: BaseException) -> str:
    return " ".join(f"{type(error).__name__}: {error}".split())[:300]
