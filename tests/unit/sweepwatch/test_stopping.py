"""How a process ends that is asked to, and one whose stop hangs."""

import signal
import subprocess
import sys

import pytest

from sweepwatch.run.stopping import stop_on_signal

_SLEEPS = """
import os, signal, sys
from sweepwatch.run import stopping

stopping.STOP_AT_MOST_S = 1
with stopping.stop_on_signal() as stop:
    os.kill(os.getpid(), signal.SIGTERM)
    assert stop.is_set()
    {hangs}
stopping.end(0)
"""
_FOR_EVER = "import threading; threading.Event().wait()"
_WITH_PYTHON_HELD = "import ctypes; ctypes.PyDLL(None).sleep(120)"


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_the_first_signal_sets_the_event(number: signal.Signals) -> None:
    code = (
        "import os\nfrom sweepwatch.run.stopping import end, stop_on_signal\n"
        f"with stop_on_signal() as stop:\n    os.kill(os.getpid(), {int(number)})\n    stop.wait()\nend(0)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False, timeout=60).returncode == 0


@pytest.mark.parametrize("hangs", [_FOR_EVER, _WITH_PYTHON_HELD], ids=["a wait", "Python held"])
def test_a_stop_that_hangs_ends_and_says_where_it_hung(hangs: str) -> None:
    code = _SLEEPS.format(hangs=hangs)
    ended = subprocess.run(
        [sys.executable, "-c", code], check=False, timeout=60, capture_output=True, text=True
    )
    assert ended.returncode == 1
    assert "most recent call first" in ended.stderr


def test_a_second_signal_ends_it_at_once() -> None:
    code = _SLEEPS.format(hangs="os.kill(os.getpid(), signal.SIGINT)")
    assert subprocess.run([sys.executable, "-c", code], check=False, timeout=60).returncode == 130


def test_handlers_are_given_back() -> None:
    before = signal.getsignal(signal.SIGTERM)
    with stop_on_signal() as stop:
        assert signal.getsignal(signal.SIGTERM) is not before
        assert not stop.is_set()
    assert signal.getsignal(signal.SIGTERM) is before
