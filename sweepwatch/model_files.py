"""Says where the files of models are."""

from pathlib import Path

from models.registry.files import DeskFiles, FolderFiles, ModelFiles
from storage.records.database import DeskDatabase
from sweepwatch.settings.settings import Settings


def model_files(settings: Settings, desk: DeskDatabase, embedded: Path) -> ModelFiles:
    """Return where model files are: as `models.store` says, else where all who reach the desk reach them.

    `embedded` is the folder for a desk in the data folder.
    """
    where = settings.models.store
    on_server = (settings.desk.url or "").startswith("postgresql")
    if where == "desk" or (where is None and on_server):
        return DeskFiles(desk, before=embedded)
    return FolderFiles(embedded if where is None else Path(where))
