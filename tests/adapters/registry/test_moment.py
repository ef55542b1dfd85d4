from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.adapters.registry.moment import read_moment


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        pytest.param("2024-01-05T12:00:00Z", datetime(2024, 1, 5, 12, tzinfo=UTC), id="plain"),
        pytest.param(
            "2024-01-05T12:00:00.123456789Z",
            datetime(2024, 1, 5, 12, 0, 0, 123456, tzinfo=UTC),
            id="nanoseconds",
        ),
        pytest.param(
            "2024-01-05T12:00:00.5+05:30",
            datetime(2024, 1, 5, 6, 30, 0, 500000, tzinfo=UTC),
            id="zone",
        ),
        pytest.param("2024-01-05t12:00:00z", datetime(2024, 1, 5, 12, tzinfo=UTC), id="lower"),
        pytest.param("2024-01-05 12:00:00Z", datetime(2024, 1, 5, 12, tzinfo=UTC), id="space"),
        pytest.param("1980-01-02T00:00:00Z", datetime(1980, 1, 2, tzinfo=UTC), id="the-first"),
    ],
)
def test_a_moment_is_read_in_utc(text: str, moment: datetime) -> None:
    assert read_moment(text) == moment


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("1979-12-31T23:59:59Z", id="before-1980"),
        pytest.param("1980-01-01T00:00:01Z", id="buildpacks"),
        pytest.param("1980-01-02T00:00:00+01:00", id="the-first-day-of-1980-in-utc"),
        pytest.param("0001-01-01T00:00:00Z", id="zero-of-go"),
        pytest.param("0001-01-01T00:00:00+01:00", id="before-the-year-1"),
        pytest.param("9999-12-31T23:59:59-01:00", id="after-the-year-9999"),
        pytest.param("2024-01-05T12:00:00", id="no-zone"),
        pytest.param("2024-01-05", id="no-time"),
        pytest.param("2023-02-29T00:00:00Z", id="no-day"),
        pytest.param("2024-W01-5T12:00:00Z", id="week"),
        pytest.param("yesterday", id="word"),
        pytest.param("", id="empty"),
        pytest.param(1704456000, id="number"),
        pytest.param(None, id="nothing"),
    ],
)
def test_what_tells_no_time_is_no_moment(text: object) -> None:
    assert read_moment(text) is None


@given(st.datetimes(min_value=datetime(1980, 1, 2), timezones=st.just(UTC)))  # noqa: DTZ001 - as Hypothesis wants it
def test_what_is_written_is_read(moment: datetime) -> None:
    assert read_moment(moment.isoformat()) == moment


@given(st.text(max_size=40))
def test_no_text_breaks_it(text: str) -> None:
    moment = read_moment(text)

    assert moment is None or moment.tzinfo is UTC
