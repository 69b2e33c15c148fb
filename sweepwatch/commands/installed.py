"""The desk database and the models of an installation, for commands that run beside its processes."""

from collections.abc import Iterator
from contextlib import contextmanager

from fleet.errors import ConfigError
from models.registry.registry import ModelRegistry
from storage.records.database import DeskDatabase, open_desk
from sweepwatch.data_folder import DESK, for_this_user_alone
from sweepwatch.model_files import model_files
from sweepwatch.settings.costs import costs_of
from sweepwatch.settings.settings import Settings


def check_installed(settings: Settings) -> None:
    """Raise ConfigError where the data folder holds no installation: a mistyped one is not made one."""
    embedded = settings.data.resolve() / DESK
    if settings.desk.url is None and not embedded.exists():
        raise ConfigError(
            f"{embedded.parent} holds no installation: there is no {DESK}; "
            "start it there once, or give another --data DIR"
        )


@contextmanager
def opened_desk(settings: Settings) -> Iterator[DeskDatabase]:
    """Open the desk database of an installation. Raises ConfigError where the folder holds none."""
    for_this_user_alone()
    check_installed(settings)
    desk = open_desk(settings.desk.url or f"sqlite:///{settings.data.resolve() / DESK}")
    try:
        yield desk
    finally:
        desk.close()


@contextmanager
def opened_models(settings: Settings) -> Iterator[tuple[DeskDatabase, ModelRegistry]]:
    """Open the desk database and the models of an installation. Raises ConfigError as `opened_desk`."""
    with opened_desk(settings) as desk:
        files = model_files(settings, desk, settings.data.resolve() / "models")
        yield desk, ModelRegistry(desk, files, costs=costs_of(settings.models.costs))
