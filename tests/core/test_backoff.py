import pytest

from reconciler.core.backoff import delay_s


@pytest.mark.parametrize(
    ("attempt", "jitter", "expected"),
    [
        pytest.param(0, 0.0, 0.5, id="first-least"),
        pytest.param(0, 1.0, 1.0, id="first-most"),
        pytest.param(3, 1.0, 8.0, id="doubles"),
        pytest.param(50, 1.0, 10.0, id="capped"),
        pytest.param(10**6, 0.0, 5.0, id="no-overflow"),
    ],
)
def test_delays_double_up_to_a_cap_and_are_never_below_half(
    attempt: int, jitter: float, expected: float
) -> None:
    assert delay_s(attempt, base_s=1.0, cap_s=10.0, jitter=jitter) == expected
