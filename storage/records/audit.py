"""What every event needs beside someone who acts: a reason."""

from fleet.errors import InvalidInput


def check_reason(why: str) -> None:
    """Raise InvalidInput unless a reason is given."""
    if not why.strip():
        raise InvalidInput("why: a reason is required and must not be blank")
    if "\x00" in why:
        raise InvalidInput("why must not contain a NUL character")
