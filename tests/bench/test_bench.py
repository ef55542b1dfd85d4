"""The benchmarks still run, in a size that says nothing; no figure is judged here."""

from pathlib import Path

import pytest

from bench.__main__ import main, measure
from bench.contests import CONTESTS
from bench.cost import Cost, FailedRunError, Sample, cost_of, cost_of_program
from bench.report import report
from bench.size import TINY

ROWS = {
    "start": 3,
    "select": 3,
    "scan": 5 + len(TINY.many) + 3,
    "rewrite": 2 * len(TINY.manifests) + 2,
    "cycle": 9 * len(TINY.manifests),
    "sync": 10,
    "sync-many": 4,
    "rollout": 4,
    "latency": 2,
    "footprint": 1,
    "takeover": 3,
}
ON_A_CLUSTER = ("sync", "sync-many", "rollout", "latency", "footprint", "takeover")


@pytest.mark.parametrize("work", [name for name in CONTESTS if name not in ON_A_CLUSTER])
def test_every_work_is_done_and_checked(work: str) -> None:
    (samples,) = measure([work], size=TINY, rounds=1)

    assert len({(each.group, each.row) for each in samples}) == ROWS[work]
    assert all(each.cost.seconds > 0 for each in samples)


@pytest.mark.cluster
def test_syncs_are_compared_with_kubectl_on_one_api_server() -> None:
    (samples,) = measure(["sync", "sync-many"], size=TINY, rounds=1)

    assert len(samples) == ROWS["sync"] + ROWS["sync-many"]
    drifted = next(each for each in samples if "changed by somebody" in each.row)
    assert drifted.cost.counts["requests"] > 5
    assert samples[0].row.startswith("kubectl apply --server-side")


@pytest.mark.cluster
def test_a_rollout_is_seen_from_outside() -> None:
    (samples,) = measure(["rollout"], size=TINY, rounds=1)

    assert len(samples) == ROWS["rollout"]
    assert samples[0].cost.counts["a kind at most"] <= 1


@pytest.mark.cluster
@pytest.mark.registry
def test_the_way_of_a_tag_is_timed_with_a_webhook_and_without() -> None:
    (samples,) = measure(["latency"], size=TINY, rounds=1)

    assert len(samples) == ROWS["latency"]
    assert all(each.cost.counts["pushes"] == TINY.pushes for each in samples)


@pytest.mark.cluster
def test_memory_and_processor_time_at_rest_are_told() -> None:
    (samples,) = measure(["footprint"], size=TINY, rounds=1)

    assert len(samples) == ROWS["footprint"]
    assert samples[0].cost.counts["MiB resident at rest"] > 10


@pytest.mark.cluster
@pytest.mark.registry
def test_each_way_of_losing_a_leader_is_timed() -> None:
    (samples,) = measure(["takeover"], size=TINY, rounds=1)

    assert len(samples) == ROWS["takeover"]


def test_results_are_written_to_a_file(tmp_path: Path) -> None:
    out = tmp_path / "results.md"

    code = main(["--tiny", "--rounds", "2", "--out", str(out), "select"])

    assert code == 0
    assert "## Selection among 20 tags by a constraint" in out.read_text()


def test_ratios_are_taken_within_a_round() -> None:
    seconds = [("a", 1.0), ("b", 2.0), ("a", 10.0), ("b", 20.0), ("a", 1.0), ("b", 9.0)]
    samples = [Sample("race", row, Cost(each, each, 10.0)) for row, each in seconds]

    text = report(samples, size=TINY, rounds=3)

    assert "| a | 1.00 | 1.00 | 1.00 | 10 |  | 1.00 |  |" in text
    assert "| b | 2.00 | 9.00 | 9.00 | 10 |  | 2.00 |  |" in text


def test_memory_and_processor_time_of_a_work_are_seen() -> None:
    cost, length = cost_of(lambda: len(bytearray(b"x" * 40 * 2**20)))

    assert length == 40 * 2**20
    assert cost.growth_mib >= 40
    assert cost.peak_mib > cost.growth_mib


def test_a_program_that_fails_is_not_measured() -> None:
    with pytest.raises(FailedRunError, match="no such word"):
        cost_of_program(["sh", "-c", "echo no such word >&2; exit 3"])


def test_an_unknown_work_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["nothing"])

    assert "unknown: nothing" in capsys.readouterr().err
