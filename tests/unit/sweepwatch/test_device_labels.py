"""Labels of devices to be claimed: the QR code leads to the console, with the code behind the address's #."""

import segno

from access.devices.claims import Offered
from sweepwatch.commands.device_labels import sheet_of_labels


def test_each_label_has_its_device_and_a_code_that_no_server_is_sent() -> None:
    offered = [Offered("S-1", "AAAAA-BBBBB"), Offered("S&2/<b>", "CCCCC-DDDDD")]
    sheet = sheet_of_labels(offered, "CR-200", "https://sweep.example/")
    for address in (
        "https://sweep.example/claim#serial=S-1&code=AAAAA-BBBBB",
        "https://sweep.example/claim#serial=S%262%2F%3Cb%3E&code=CCCCC-DDDDD",
    ):
        assert segno.make(address, error="m", micro=False).svg_inline(border=2, omitsize=True) in sheet
    assert "<strong>S&amp;2/&lt;b&gt;</strong>" in sheet
    assert sheet.count("CR-200") == 2
    assert "http" not in sheet.replace("http://www.w3.org/2000/svg", ""), "nothing is fetched"
