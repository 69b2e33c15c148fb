"""Names that are said by the API or a form are those that lists give out and take in again."""

import pytest
from helpers.api import House, client_of


@pytest.mark.parametrize(
    "name", ["'=1", "''+1", "'", "=1+1", "上海　办公楼", "👩‍🔧 Anne", " A ", "-1", "مرحبا"]
)
def test_what_was_said_elsewhere_goes_out_and_comes_in_as_it_is(house: House, name: str) -> None:
    api, said = client_of(house), {"name": {"en": name, "zh": ""}}
    assert api.put("/api/v1/customers/x", json=said | {"notes": "a\n\tb"}).status_code == 200
    assert api.put("/api/v1/sites/hall", json=said).status_code == 200
    for kind in ("customers", "sites"):
        out = api.get(f"/api/v1/lists/{kind}.csv").content
        taken = api.post(f"/api/v1/lists/{kind}", content=out, headers={"Content-Type": "text/csv"})
        counts = taken.json()["counts"]
        assert (counts["unchanged"], sum(counts.values())) == (1, 1), taken.text


@pytest.mark.parametrize("path", ["/api/v1/customers/x", "/api/v1/sites/hall", "/api/v1/parts/x"])
@pytest.mark.parametrize("name", ["a\nBcc: b@c", "a\tb", "a\x1b[2J", "x" * 129])
def test_a_name_is_one_line_wherever_it_is_said(house: House, path: str, name: str) -> None:
    refused = client_of(house).put(path, json={"name": {"en": "", "zh": name}})
    assert (refused.status_code, "name" in refused.json()["detail"]) == (422, True)


def test_a_sites_form_takes_no_more_than_its_api(house: House) -> None:
    said = {"id": "hall", "name_en": "a\nb"}
    refused = client_of(house).post("/sites", data=said)
    assert (refused.status_code, "text on one line" in refused.text) == (422, True)
