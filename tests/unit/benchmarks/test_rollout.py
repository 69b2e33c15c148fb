"""Twenty roll-outs in small, judged by the product's own code: the worse is stopped, the equal one is not."""

from benchmarks.harness.rollout_fleet import RunOptions, run
from benchmarks.rollout import summary
from fleet.rollouts import Stage

STAGES = (Stage(0.1, 48), Stage(0.5, 24))


def test_of_twenty_rollouts_the_worse_are_stopped_in_time_and_of_the_equal_hardly_any() -> None:
    worse, equal = (
        [run(RunOptions(seed, 240, worse=worse, stages=STAGES, looks=6)) for seed in range(10)]
        for worse in (True, False)
    )
    found = summary({"worse": worse, "equal": equal}, 0.0)
    assert found["stopped_worse_of_100"] == 100
    stopped = found["stopped_equal_of_100"]
    assert isinstance(stopped, float)
    assert stopped <= 10
    assert all(each.can is not None for each in worse), "each fleet has a cohort that can show it"
