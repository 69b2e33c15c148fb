"""What may be asked of a roll-out, and which devices it is for. Pure."""

import re
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from secrets import randbelow

from fleet.commands import Order, checked
from fleet.devices import Device
from fleet.errors import InvalidInput
from fleet.grants import Sites
from fleet.rollouts import STAGES, Firmware, Stage
from fleet.signals import Kind
from fleet.text import quoted

MOST_STAGES, LEAST_SOAK_H, MOST_SOAK_H = 10, 1.0, 720.0
_MAX_SEED = 2**31


@dataclass(frozen=True, slots=True)
class Asked:
    """A roll-out as somebody asks for it; `sites` None: every site that they may see, `seed` None: any."""

    firmware: Firmware
    model: str
    sites: Sites = None
    region: str = ""
    older_than: str | None = None
    stages: tuple[Stage, ...] = STAGES
    by_hand: bool = False
    seed: int | None = None


def check(asked: Asked) -> None:
    """Raise InvalidInput for what cannot be rolled out; the message names it and what is allowed."""
    check_firmware(asked.firmware)
    if not asked.model.strip() or asked.model == "unknown":
        raise InvalidInput("model: which model the firmware is for is required")
    stages = asked.stages
    if not 1 <= len(stages) <= MOST_STAGES:
        raise InvalidInput(f"stages: allowed: 1 to {MOST_STAGES}")
    shares = [0.0, *(stage.share for stage in stages)]
    if any(after <= before for before, after in pairwise(shares)) or shares[-1] > 1:
        raise InvalidInput("stages: each has a larger share than the one before, and none more than 100 %")
    if any(not LEAST_SOAK_H <= stage.soak_h <= MOST_SOAK_H for stage in stages):
        raise InvalidInput(f"soak_h: allowed: {LEAST_SOAK_H:.0f} to {MOST_SOAK_H:.0f} hours")


def check_firmware(firmware: Firmware) -> None:
    """Raise InvalidInput for an image that no device can be offered."""
    try:
        checked(offer("", firmware, ""), Kind.ROBOT)
    except InvalidInput as error:
        raise InvalidInput(str(error).replace("params.", "firmware.")) from None


def offer(device_id: str, firmware: Firmware, why: str) -> Order:
    """Return the order that offers a device an image."""
    params = {
        "version": firmware.version,
        "url": firmware.url,
        "sha256": firmware.sha256,
        "size": firmware.size,
    }
    return Order(device_id, "offer_firmware", why, params)


def drawn_seed(asked: Asked) -> int:
    """Return the seed of a roll-out: the one asked for, else one that nobody can know before."""
    return randbelow(_MAX_SEED) if asked.seed is None else asked.seed


def eligible(
    devices: Iterable[Device], version: str, older_than: str | None, left_out: Collection[str]
) -> list[Device]:
    """Return the devices of a roll-out by id: not `left_out`, without the version, and older where asked."""
    found = [
        each
        for each in devices
        if each.id not in left_out
        and each.firmware != version
        and (older_than is None or (each.firmware is not None and is_older(each.firmware, older_than)))
    ]
    return sorted(found, key=lambda each: each.id)


def is_older(version: str, other: str) -> bool:
    """Tell whether a version stands before another: 1.9 before 1.10, and 2.0-beta before 2.0."""
    return _order(version) < _order(other)


def sites_asked(asked: Sites, theirs: Sites, region: Sites) -> Sites:
    """Return where a roll-out reaches: what was asked for, within what they may. Raises InvalidInput.

    `region` are the sites of the region that was named, None where none was.
    """
    wanted = [each for each in (asked, region) if each is not None]
    if not wanted:
        return theirs
    named = frozenset.union(*wanted)
    if not named:
        raise InvalidInput("region: there is no site in it")
    beyond = set() if theirs is None else named - theirs
    if beyond:
        raise InvalidInput(f"sites: there is no site {quoted(min(beyond))}")
    return named


def _order(version: str) -> tuple[Sequence[tuple[int, int, str]], int, str]:
    plain, _, suffix = version.lstrip("vV").partition("-")
    parts = re.findall(r"\d+|[A-Za-z]+", plain)
    while parts and parts[-1] == "0":  # 1.4 is 1.4.0
        parts.pop()
    keys = [(1, int(each), "") if each.isdigit() else (0, 0, each.lower()) for each in parts]
    return keys, 0 if suffix else 1, suffix
