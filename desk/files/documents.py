"""PDF documents are taken apart and written anew, in a process of their own that may use little."""

import subprocess
import sys

from desk.files.endings import LOCKED
from fleet.errors import InvalidInput

_WITHIN_S = 30


def rewritten_document(body: bytes) -> bytes:
    """Return a PDF without anything that acts: scripts, forms, links, files within it, who wrote it.

    A document unpacks to whatever it likes, so that another process does it, with bounds on its memory and
    time (desk.files.pdf_process). Raises InvalidInput for what cannot be read.
    """
    command = [sys.executable, "-m", "desk.files.pdf_process"]
    try:
        done = subprocess.run(command, input=body, capture_output=True, timeout=_WITHIN_S, check=False)
    except subprocess.TimeoutExpired as error:
        raise InvalidInput("the PDF takes too long to read; save it anew, or send a picture of it") from error
    if done.returncode == LOCKED:
        raise InvalidInput("the PDF asks for a password; send it without one")
    if done.returncode != 0 or not done.stdout.startswith(b"%PDF-"):
        raise InvalidInput("the PDF is damaged or too large within; save it anew, or send a picture of it")
    return done.stdout
