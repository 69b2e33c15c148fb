"""What a form's change answers, or its page again with why it was refused."""

from collections.abc import Callable

from fastapi import Response

from api.problems import status_of
from fleet.errors import NotSignedIn, SweepwatchError

_TOLD = (409, 422)


def tried(
    change: Callable[[], Response], refused: Callable[[int, str], Response], *also: int, proof: bool = False
) -> Response:
    """Return what a change answers, or what `refused` makes of the status and words of its refusal.

    `also` are statuses that the page tells beside 409 and 422. `proof`: the form asks for a password or code;
    a wrong one is a wrong field of it, nobody is signed out by that.
    """
    try:
        return change()
    except SweepwatchError as error:
        status = 422 if proof and isinstance(error, NotSignedIn) else status_of(error)
        if status not in (*_TOLD, *also):
            raise
        return refused(status, str(error))
