"""A batch with small numbers for its devices, so that what is known of devices can be kept in arrays."""

from typing import NamedTuple

from fleet.device_codes import Codes
from fleet.readings import ReadingBatch


class CodedBatch(NamedTuple):
    """A batch with the number of each row's device."""

    batch: ReadingBatch
    codes: Codes
