"""What a depot needs: risks scaled to the lead time, joined with history, nothing counted twice."""

from math import exp

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from desk.parts.forecast.demand import MONTH_D, Foreseen, lead_demand, unforeseen_share
from desk.parts.forecast.forecast import forecast
from desk.parts.forecast.lifetimes import Threat, chance_within
from desk.parts.forecast.past import Past
from fleet.errors import InvalidInput

DAYS = st.floats(0, 400)
HISTORY = forecast(Past(np.tile([0.0, 0, 2, 0, 1, 0], (3, 6)), 1), 12)


def test_without_lives_the_hazard_is_constant() -> None:
    assert chance_within(Threat(0.19, 10), 20) == pytest.approx(1 - 0.81**2)
    assert chance_within(Threat(0.19, 10), 5) == pytest.approx(0.1)
    assert chance_within(Threat(1.0, 10), 10) == pytest.approx(1)
    assert chance_within(Threat(0.0, 10), 300) == 0
    assert chance_within(Threat(0.5, 10, uses=0.5), 10) == pytest.approx(0.25)


def test_at_its_horizon_a_risk_holds_whatever_lives_say() -> None:
    assert chance_within(Threat(0.07, 14, 30, 90), 14) == pytest.approx(0.07)


def test_beyond_the_horizon_lives_say_how_the_hazard_runs() -> None:
    worn = Threat(0.02, 7, 30, 60)
    assert chance_within(worn, 60) > 0.85
    assert chance_within(Threat(0.02, 7), 60) < 0.2
    assert chance_within(worn, 3) < chance_within(Threat(0.02, 7), 3), "wear rises: most of it is late"


def test_a_risk_of_nothing_with_lives_is_the_share_of_lives_that_end() -> None:
    told = chance_within(Threat(0.0, 1e-6, 30, 90), 90)
    assert told == pytest.approx(0.9, abs=1e-6)
    assert chance_within(Threat(0.0, 1e-6, 30, 90), 30) == pytest.approx(0.1, abs=1e-6)


@settings(deadline=None)
@given(
    st.floats(0, 1),
    st.floats(0.1, 90),
    st.one_of(st.none(), st.floats(1, 100)),
    st.floats(1.01, 20),
    DAYS,
    DAYS,
)
def test_a_chance_is_one_and_grows_with_the_lead_time(
    risk: float, horizon: float, early: float | None, times: float, one: float, other: float
) -> None:
    threat = Threat(risk, horizon, early, None if early is None else early * times)
    short, long = sorted((one, other))
    assert 0 <= chance_within(threat, short) <= chance_within(threat, long) + 1e-12 <= 1 + 1e-11


def test_the_total_is_the_sum_of_risks_and_history() -> None:
    threats = [Threat(0.3, 7), Threat(0.05, 30, 20, 90), Threat(0.9, 7, uses=0.5)]
    told = lead_demand(HISTORY, 0, threats, 45, 0.4)
    assert told.from_risks.mean == pytest.approx(sum(chance_within(each, 45) for each in threats))
    assert told.from_history.mean == pytest.approx(HISTORY.total(0, 45 / MONTH_D).mean * 0.4)
    assert told.total.mean == pytest.approx(told.from_risks.mean + told.from_history.mean)
    assert told.total.quantile(0.95) >= told.from_risks.quantile(0.95)
    assert lead_demand(HISTORY, 0, [], 0).total.mean == 0


def test_shortages_show_before_there_is_a_ticket() -> None:
    quiet = lead_demand(HISTORY, 0, [], 30).total.quantile(0.95)
    worn = lead_demand(HISTORY, 0, [Threat(0.8, 7, 5, 25)] * 10, 30).total.quantile(0.95)
    assert worn >= quiet + 9


def test_orders_that_risks_saw_are_not_counted_again() -> None:
    fleet = Foreseen(80, 100)
    assert unforeseen_share(Foreseen(), fleet) == pytest.approx(0.2)
    assert unforeseen_share(Foreseen(10, 10), fleet) < 0.1
    assert unforeseen_share(Foreseen(0, 10), fleet) > 0.7
    assert unforeseen_share(Foreseen(), Foreseen()) == 1, "nothing shows that risks see anything"
    whole = lead_demand(HISTORY, 0, [], 60, unforeseen_share(Foreseen(20, 20), Foreseen(20, 20)))
    assert whole.total.mean == 0, "all is seen by risks, and there are none"


def test_a_world_whose_risks_see_half_of_the_faults_is_told_once() -> None:
    rng = np.random.default_rng(0)
    seen, unseen = rng.poisson(2.0, (40, 60)), rng.poisson(2.0, (40, 60))
    past = forecast(Past((seen + unseen).astype(float)), 3)
    share = unforeseen_share(Foreseen(int(seen.sum()), int((seen + unseen).sum())), Foreseen(1, 2))
    risks = [Threat(1 - exp(-2.0 / 200), MONTH_D)] * 200
    told = np.mean([lead_demand(past, row, risks, 3 * MONTH_D, share).total.mean for row in range(40)])
    assert told == pytest.approx(12, rel=0.1), "4 a month over 3 months, not 6"


def test_what_cannot_be_is_said_in_one_line() -> None:
    with pytest.raises(InvalidInput, match=r"risk: 1.2 must lie between 0 and 1"):
        Threat(1.2, 7)
    with pytest.raises(InvalidInput, match="horizon_d: 0 must be a number of days above 0"):
        Threat(0.2, 0)
    with pytest.raises(InvalidInput, match="days: -1 must be"):
        chance_within(Threat(0.2, 7), -1)
    with pytest.raises(InvalidInput, match="lead_d: 400 must lie between 0 and 365 days"):
        lead_demand(HISTORY, 0, [], 400)
    with pytest.raises(InvalidInput, match="3 of 2 orders is no share"):
        Foreseen(3, 2)
