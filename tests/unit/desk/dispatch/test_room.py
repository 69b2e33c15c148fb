"""Whether one more task fits is told from its neighbours, and is what timing the longer route says."""

from helpers.visiting import a_day, a_job, a_problem, at
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from desk.dispatch.planning.frame import Frame, frame_of
from desk.dispatch.planning.room import Room
from desk.dispatch.planning.spans import all_promised
from desk.dispatch.planning.timing import timed
from fleet.clock import HOUR_MS, MINUTE_MS
from fleet.visiting import Job, Rest, Window, Workday

minutes = st.integers(0, 9 * 60).map(lambda each: at(8 + each / 60))
places = st.tuples(st.integers(0, 30), st.integers(0, 30)).map(lambda each: (float(each[0]), float(each[1])))


@st.composite
def jobs(draw: st.DrawFn, number: int) -> Job:
    wished = tuple(Window(each, each + HOUR_MS) for each in draw(st.lists(minutes, max_size=2)))
    due = draw(minutes)
    return a_job(
        f"J{number}", draw(places), minutes=draw(st.sampled_from([0, 10, 40, 90])), due=due, preferred=wished
    )


@st.composite
def days(draw: st.DrawFn) -> Workday:
    hours = draw(
        st.sampled_from(
            [
                (Window(at(8), at(17)),),
                (Window(at(8), at(12)), Window(at(13), at(17))),
                (Window(at(8), at(10)), Window(at(11), at(13)), Window(at(14), at(17))),
            ]
        )
    )
    lunch = Rest(45 * MINUTE_MS, at(11.5), at(13.5))
    rests = (lunch,) if len(hours) == 1 and draw(st.booleans()) else ()
    longest = draw(st.none() | st.integers(2, 8).map(lambda each: each * HOUR_MS))
    return a_day("ann", draw(places), hours=hours, rests=rests, longest_ms=longest)


@settings(max_examples=150, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
@given(day=days(), data=st.data())
def test_room_is_where_the_longer_route_can_be_timed(day: Workday, data: st.DataObject) -> None:
    some = [data.draw(jobs(number)) for number in range(data.draw(st.integers(2, 6)))]
    frame: Frame = frame_of(a_problem(some, [day]), some)
    crew, spans = frame.crews[0], all_promised(frame)
    route: list[int] = []
    for task in range(len(some) - 1):
        if timed(frame, crew, [*route, task], spans) is not None:
            route.append(task)
    last = len(some) - 1
    for place in range(len(route) + 1):
        longer = [*route[:place], last, *route[place:]]
        fits = timed(frame, crew, longer, spans) is not None
        assert Room(frame, crew, route, spans).fits(place, last) == fits
