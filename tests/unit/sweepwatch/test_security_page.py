"""docs/security.md names tests that are there."""

import re
from pathlib import Path

ROOT = Path(__file__).parents[3]
_NAMED = re.compile(r"\b((?:unit|contract|acceptance|browser)(?:/[a-z0-9_]+)+)\b")


def test_every_test_that_the_page_names_is_there() -> None:
    named = set(_NAMED.findall((ROOT / "docs" / "security.md").read_text(encoding="utf-8")))
    assert len(named) > 30
    files = {each: ROOT / "tests" / Path(each).parent / f"test_{Path(each).name}.py" for each in named}
    assert [each for each, file in files.items() if not file.exists()] == []
