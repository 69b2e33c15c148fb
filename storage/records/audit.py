"""What every event row needs: someone, and a reason."""

from fleet.errors import InvalidInput

MAX_NAME = 64


def check_who_and_why(who: str, why: str) -> None:
    """Raise InvalidInput unless `who` is 1 to 64 characters and `why` is not blank."""
    if not who.strip() or len(who) > MAX_NAME:
        raise InvalidInput(f"who: the name of who does this is required, 1 to {MAX_NAME} characters")
    if not why.strip():
        raise InvalidInput("why: a reason is required and must not be blank")
    if "\x00" in who + why:
        raise InvalidInput("who and why must not contain a NUL character")
