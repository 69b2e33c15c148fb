"""The house stands as drawn: rooms are imported from this tree, and nobody else brings their names."""

import importlib
import subprocess
import sys
import tomllib
from importlib.metadata import distributions
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
ROOMS = sorted({package.split(".")[0] for package in PROJECT["tool"]["setuptools"]["packages"]})


@pytest.mark.parametrize("package", PROJECT["tool"]["setuptools"]["packages"])
def test_each_package_is_imported_from_this_tree(package: str) -> None:
    module = importlib.import_module(package)
    assert Path(str(module.__file__)).is_relative_to(ROOT)


def test_no_dependency_ships_a_top_level_name_of_ours() -> None:
    taken = {
        (file.parts[0], dist.name)
        for dist in distributions()
        if dist.name != "sweepwatch"
        for file in dist.files or ()
        if file.parts[0].removesuffix(".py") in ROOMS
    }
    assert taken == set()


def test_every_package_in_the_tree_is_listed() -> None:
    found = {
        ".".join(init.parent.relative_to(ROOT).parts)
        for room in ROOMS
        for init in (ROOT / room).rglob("__init__.py")
    }
    assert found == set(PROJECT["tool"]["setuptools"]["packages"])


def test_importing_the_rooms_opens_nothing_and_starts_no_thread() -> None:
    """No connection, file of ours, environment read or thread at import; heavy libraries wait until used."""
    code = (
        "import sys, threading\n"
        "opened = []\n"
        "def hook(event, args):\n"
        "    if event in ('socket.__new__', 'sqlite3.connect', 'subprocess.Popen'): opened.append(event)\n"
        "sys.addaudithook(hook)\n"
        "import sweepwatch.cli, sweepwatch.wiring, api.app\n"
        "assert threading.active_count() == 1, threading.enumerate()\n"
        "assert not opened, opened\n"
        "heavy = {'sklearn', 'shap', 'altair', 'vl_convert', 'amqtt'} & set(sys.modules)\n"
        "assert not heavy, heavy\n"
    )
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False, cwd=ROOT)
    assert ran.returncode == 0, ran.stderr
