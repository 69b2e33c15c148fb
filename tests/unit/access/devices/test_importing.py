import pytest

from access.devices.importing import read_devices
from fleet.device_doors import NewDevice
from fleet.errors import InvalidInput
from fleet.signals import Kind


def test_a_file_of_a_spreadsheet_is_read_in_any_order_of_columns() -> None:
    head = "\ufeffsite,id,kind,topics,Model\r\n"
    text = head + 's1,r1,,valetudo/r1/# homie/5/r1/#,"CR-200"\r\n\r\ns2,t1,tool,,\r\n'
    assert read_devices(text.splitlines(keepends=True)) == [
        NewDevice("r1", "s1", Kind.ROBOT, "CR-200", "", ("valetudo/r1/#", "homie/5/r1/#")),
        NewDevice("t1", "s2", Kind.TOOL),
    ]


def test_every_line_that_is_wrong_is_named_and_nothing_is_read() -> None:
    lines = ["id,site,kind", "r1,s1,robot", "r 2,s1,robot", "r3,events,robot", "r4,s1,car", "r1,s1,robot"]
    with pytest.raises(InvalidInput) as caught:
        read_devices([f"{line}\n" for line in lines])
    said = str(caught.value)
    assert said.startswith("nothing was imported: line 3: id: ")
    for part in (
        "line 4: site: ",
        'line 5: kind: "car" is none; allowed: robot, tool, wristband',
        "line 6: id",
    ):
        assert part in said


def test_of_very_many_wrong_lines_twenty_are_named() -> None:
    with pytest.raises(InvalidInput, match=r"line 21: .*; and 80 more$"):
        read_devices(["id,site\n", *(f"r {n},s1\n" for n in range(100))])


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "id, site is missing"),
        ("id\nr1\n", "site is missing"),
        ("id,site,colour\nr1,s1,red\n", '"colour" is unknown'),
        ("id,site\n", "there is no device in it"),
        ("id,site\nr1,s1,more\n", "line 2: one cell too many"),
        ('id,site\n"r1,s1\n', "line 2"),
    ],
)
def test_what_is_no_list_of_devices_is_told(text: str, said: str) -> None:
    with pytest.raises(InvalidInput, match=said):
        read_devices(text.splitlines(keepends=True))
