"""The registry secrets of one cycle: which are read, how often, and what failures come to."""

import threading
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

import pytest

from reconciler.core.images.pull_secret import PullCredential, Puller, PullSecret, Unread
from reconciler.core.redaction import Secret
from reconciler.errors import (
    AccessDeniedError,
    ClusterError,
    ReconcilerError,
    RefusedError,
    SettingsError,
)
from reconciler.pipeline.pull_secrets import FAILURES_UNTIL_CUT_OFF, NO_CLUSTER, PullSecrets
from tests.fakes.secrets import FakeSecrets

DOWN = ClusterError("cannot connect to the API server")


def secret(place: str) -> PullSecret:
    return PullSecret(place, Secret("{}"))


def contents(*places: str) -> dict[str, str | ReconcilerError]:
    return dict.fromkeys(places, "{}")


def test_what_workloads_name_comes_first_then_what_their_service_accounts_name() -> None:
    source = FakeSecrets(
        contents("shop/own", "shop/lent", "blog/own"),
        {"shop/app": ["lent", "own"], "blog/default": ["own"]},
    )
    pullers = [Puller("shop", ("own",), "app"), Puller("blog", ("own",))]

    assert list(PullSecrets(source).of(pullers)) == [
        secret("shop/own"),
        secret("blog/own"),
        secret("shop/lent"),
    ]


def test_nothing_is_read_before_it_is_wanted() -> None:
    source = FakeSecrets(contents("web/a", "web/b"))
    found = PullSecrets(source).of([Puller("web", ("a", "b"))])

    assert source.reads == []
    assert next(found) == secret("web/a")
    assert source.reads == ["secret web/a"]


def test_each_secret_and_account_is_read_once_however_many_ask_at_the_same_time() -> None:
    class Slow(FakeSecrets):
        def pull_secret(self, namespace: str, name: str) -> PullSecret:
            found = super().pull_secret(namespace, name)
            gate.wait(10)
            return found

    gate = threading.Event()
    source = Slow(contents("web/a"), {"web/app": ["a"]})
    secrets = PullSecrets(source)

    def read(number: int) -> Sequence[PullCredential]:
        if number == 7:
            gate.set()
        return list(secrets.of([Puller("web", ("a",), "app")]))

    with ThreadPoolExecutor(8) as executor:
        assert list(executor.map(read, range(8))) == [[secret("web/a")]] * 8
    assert source.reads == ["secret web/a", "account web/app"]


@pytest.mark.parametrize(
    ("error", "may_pass"),
    [
        pytest.param(AccessDeniedError("grant get on secrets"), False, id="forbidden"),
        pytest.param(RefusedError("its type is 'Opaque'"), False, id="type"),
        pytest.param(DOWN, True, id="down"),
        pytest.param(None, False, id="missing"),
    ],
)
def test_what_cannot_be_read_is_a_reason_and_the_others_are_read(
    error: ReconcilerError | None, may_pass: bool
) -> None:
    bad = {"web/bad": error} if error else {}
    source = FakeSecrets({**contents("web/good"), **bad}, {"web/gone": error} if error else {})
    reason = error.message if error else "it is not there"

    found = list(PullSecrets(source).of([Puller("web", ("bad", "good"), "gone")]))

    assert found == [
        Unread("the secret web/bad", reason, may_pass),
        secret("web/good"),
        Unread("the ServiceAccount web/gone", reason, may_pass),
    ]


def test_a_cluster_that_fails_again_and_again_is_left_alone_for_the_cycle() -> None:
    source = FakeSecrets(down=DOWN)
    names = tuple(f"s{number}" for number in range(20))

    found = list(PullSecrets(source).of([Puller("web", names)]))

    assert len(source.reads) == FAILURES_UNTIL_CUT_OFF
    assert [each.reason for each in found if isinstance(each, Unread)] == [DOWN.message] * 21


def test_a_cluster_without_a_usable_configuration_is_tried_once() -> None:
    source = FakeSecrets(down=SettingsError("no such file"))

    found = list(PullSecrets(source).of([Puller("web", ("a", "b"))]))

    assert len(source.reads) == 1
    assert Unread("the secret web/b", "no such file") in found


def test_a_cluster_that_failed_before_is_not_asked() -> None:
    source = FakeSecrets(contents("web/a"))

    found = list(PullSecrets(source, DOWN).of([Puller("web", ("a",))]))

    assert source.reads == []
    assert found[0] == Unread("the secret web/a", DOWN.message, may_pass=True)


def test_without_a_cluster_only_what_workloads_name_is_missed() -> None:
    found = list(PullSecrets(None).of([Puller("web", ("a",)), Puller("blog")]))

    assert found == [Unread("the secret web/a", NO_CLUSTER)]


def test_what_is_no_name_does_not_spoil_a_message() -> None:
    found = list(PullSecrets(FakeSecrets()).of([Puller("web", ("a\nb", "x" * 1000))]))

    assert found[0] == Unread(r"the secret web/'a\nb'", "that is no name of a Secret")
    assert all(len(each.origin) < 300 for each in found)


def test_a_bug_is_not_taken_for_a_reason() -> None:
    secrets = PullSecrets(FakeSecrets(down=ZeroDivisionError()))

    for _ in range(2):
        with pytest.raises(ZeroDivisionError):
            list(secrets.of([Puller("web", ("a",))]))
