import json
from dataclasses import replace

import pytest

from reconciler.core.objects.sync_status import (
    MAX_MESSAGE,
    SyncStatus,
    decode_status,
    encode_status,
)

NOW, LATER = "2026-11-24T09:00:00Z", "2026-11-24T09:05:00Z"
STATUS = SyncStatus(
    is_ready=False,
    reason="Stalled",
    message="grün: x",
    since=NOW,
    attempted="main@sha1:1",
    applied="main@sha1:0",
    counts={"wanted": 2, "unhealthy": 1},
)


def test_the_written_form_is_for_people_and_stays_readable_by_later_releases() -> None:
    assert encode_status(STATUS) == (
        '{\n  "v": 1,\n  "ready": false,\n  "reason": "Stalled",\n  "message": "grün: x",\n'
        f'  "since": "{NOW}",\n  "attempted": "main@sha1:1",\n  "applied": "main@sha1:0",\n'
        '  "objects": {\n    "unhealthy": 1,\n    "wanted": 2\n  }\n}\n'
    )
    assert decode_status(encode_status(STATUS)) == STATUS


def test_what_a_later_release_has_added_is_kept() -> None:
    written = json.dumps({**json.loads(encode_status(STATUS)), "gates": ["open"]})

    later = decode_status(written).followed_by(SyncStatus(is_ready=True), now=LATER)

    assert json.loads(encode_status(later))["gates"] == ["open"]


@pytest.mark.parametrize(
    "text", ["", "{", "[]", "[" * 99_999, '{"v": 1}', '{"v": 2, "since": "x"}']
)
def test_what_cannot_be_read_tells_nothing(text: str) -> None:
    assert decode_status(text) == SyncStatus()


def test_nothing_is_written_before_there_was_a_sync() -> None:
    assert encode_status(SyncStatus()) == ""


def test_the_time_is_that_of_the_last_change_of_ready() -> None:
    same = STATUS.followed_by(replace(STATUS, reason="Failing"), now=LATER)
    other = same.followed_by(SyncStatus(is_ready=True), now=LATER)

    assert (same.since, other.since) == (NOW, LATER)
    assert SyncStatus().followed_by(SyncStatus(), now=NOW).since == NOW


def test_what_a_sync_could_not_tell_stays_as_it_was() -> None:
    later = STATUS.followed_by(SyncStatus(attempted="main@sha1:2"), now=LATER)

    assert (later.attempted, later.applied) == ("main@sha1:2", "main@sha1:0")
    assert later.counts == STATUS.counts


def test_a_long_message_is_cut_and_odd_text_does_no_harm() -> None:
    long = STATUS.followed_by(SyncStatus(message="x\ud800" * MAX_MESSAGE), now=NOW)

    assert len(long.message) == MAX_MESSAGE + 1
    encode_status(long).encode()
