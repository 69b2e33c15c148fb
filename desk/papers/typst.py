"""Prints papers as PDF: a template of ours (Typst) over data, which it never takes for anything but text."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

_TEMPLATES = Path(__file__).parent


def pdf(template: str, data: Mapping[str, Any]) -> bytes:
    """Return the PDF of a template beside this file, such as `month.typ`.

    `data` must be JSON-ready; the template reads it as `json(bytes(sys.inputs.data))`. So what people wrote
    is a value there, and cannot become markup or code.
    """
    import typst  # which takes 30 MB that only papers need

    return typst.compile(_TEMPLATES / template, root=_TEMPLATES, sys_inputs={"data": json.dumps(data)})
