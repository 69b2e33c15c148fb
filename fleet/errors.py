"""The errors of the application: each says what is wrong, what is allowed, and whether a retry can help."""


class SweepwatchError(Exception):
    """Base of all errors that are meant for people; shown as one line, never as a traceback."""

    retryable = False


class ConfigError(SweepwatchError):
    """A setting is unknown or out of range; the message names its key and what is allowed."""


class DataFolderError(SweepwatchError):
    """The data folder cannot be used: read-only, held by another process, or of a newer version."""


class PortTaken(SweepwatchError):
    """The address asked for is in use by another program."""


class BrokerUnavailable(SweepwatchError):
    """The broker cannot be reached or refuses us; the caller retries with back-off."""

    retryable = True


class StoreUnavailable(SweepwatchError):
    """The store cannot take the write now; the same write may succeed later."""

    retryable = True


class StoreRejected(SweepwatchError):
    """The store refuses this write for good: a retry would fail in the same way."""


class StoreRefused(StoreRejected):
    """The store refuses us, not this data: a wrong token, no such bucket. A person has to mend it."""


class ModelRejected(SweepwatchError):
    """A model file is tampered with, truncated, foreign, or does not fit the features of this version."""


class NotEnoughHistory(SweepwatchError):
    """Training cannot start: too few readings or confirmed repairs. The message says how many are there."""


class WorkersUnavailable(SweepwatchError):
    """The machines that training was to run on do not answer or cannot do the work."""


class InvalidInput(SweepwatchError):
    """Something asked for is incomplete or out of range; the message names it and what is allowed."""


class NotFound(SweepwatchError):
    """The thing named does not exist."""


class IllegalTransition(SweepwatchError):
    """A ticket cannot go from its state to the one asked for; the message lists the legal ones."""


class Conflict(SweepwatchError):
    """Someone else changed the thing meanwhile; read it again and decide anew."""


class Outdated(Conflict):
    """A ticket is not any more at the version that somebody read."""

    def __init__(self, ticket: int, version: int) -> None:
        super().__init__(f"ticket {ticket} was changed by someone else meanwhile; read it again")
        self.ticket = ticket
        self.version = version


class NotSignedIn(SweepwatchError):
    """Nobody is known to ask: no session, no token, or one that is over."""


class NotAllowed(SweepwatchError):
    """Whoever asks is known, and may not do this."""


class SecondFactorMissing(NotAllowed):
    """Whoever asks is known, and has to set up a second factor before anything else."""


class ProviderTrouble(SweepwatchError):
    """The provider by which people sign in does not answer, or answers what cannot be believed."""

    retryable = True


class TooOften(SweepwatchError):
    """Something was tried too often; it may be tried again after `after_s` seconds."""

    retryable = True

    def __init__(self, message: str, after_s: int) -> None:
        super().__init__(message)
        self.after_s = after_s
