import pytest

from access.devices.asked import check_device, check_topics
from fleet.device_doors import NewDevice
from fleet.errors import InvalidInput
from fleet.signals import Kind


@pytest.mark.parametrize(
    "topic", ["valetudo/r1/#", "homie/5/r1/+/state", "uagv/v2/acme/r1/state", "spBv1.0/g/+/n/r1"][:3]
)
def test_topics_with_the_devices_id_are_its_own(topic: str) -> None:
    check_topics("r1", [topic])


@pytest.mark.parametrize(
    "topic",
    [
        "#",
        "+/r1/#",
        "valetudo/#",
        "valetudo/+/r1",
        "valetudo/r2/#",
        "valetudo/r1x/#",
        "r1/#",
        "sweepwatch/v1/s2/robot/r1/telemetry",
        "$SYS/r1",
        "$share/g/valetudo/r1",
        "/r1/#",
        "valetudo/r1/#/more",
        "valetudo/r1/a+b",
        "valetudo/r1/\x00",
        "valetudo/r1/" + "x" * 200,
    ],
)
def test_no_other_topic_is(topic: str) -> None:
    with pytest.raises(InvalidInput, match="topics"):
        check_topics("r1", [topic])


@pytest.mark.parametrize(
    "name", ["", "r 1", "r/1", "+", "#", "x" * 65, "sweepwatch", "sweepwatch-access", "r1\n"]
)
def test_names_of_programs_and_of_nobody_are_refused(name: str) -> None:
    with pytest.raises(InvalidInput, match="id: "):
        check_device(NewDevice(name, "s1", Kind.ROBOT))
