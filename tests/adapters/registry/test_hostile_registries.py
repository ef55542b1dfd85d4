"""Every way in which a registry can misbehave: what is said of it, and that it harms no other."""

import contextlib
import dataclasses
import time
from collections.abc import Iterator
from dataclasses import dataclass
from email.utils import formatdate
from pathlib import Path

import pytest

from lab.authority import Authority
from reconciler import errors
from reconciler.adapters.registry import client as client_module
from reconciler.adapters.registry.client import RegistryClient
from reconciler.adapters.registry.credentials import Keychain
from reconciler.bootstrap import SystemClock
from reconciler.core.images.listing import Listing
from reconciler.core.images.reference import Repository
from reconciler.pipeline import inquiry
from reconciler.pipeline.scan import scan
from reconciler.settings import RegistrySettings
from tests.adapters.registry.hostile import TABLE, Hostile
from tests.adapters.registry.hostile_stage import QUICK, documented, row_of, serve
from tests.simulators.names import Names
from tests.simulators.registry import (
    RegistrySimulator,
    Reply,
    Request,
)

PAGES, TAGS = 60, 2000


@dataclass(frozen=True)
class Stage:
    """Where it is played: a hostile host, hosts that are not, and one that nobody may ask."""

    hostile: str
    simulator: RegistrySimulator
    healthy: tuple[Repository, ...]
    forbidden: RegistrySimulator
    names: Names
    client: RegistryClient


@pytest.fixture
def stage(
    hostile: Hostile, authority: Authority, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Stage]:
    names = Names()
    names.install(monkeypatch)
    monkeypatch.setattr(client_module, "MAX_PAGES", PAGES)
    monkeypatch.setattr(client_module, "MAX_TAGS", TAGS)
    monkeypatch.setattr(client_module, "LISTS_PATIENCE", 1 if "{lists" in hostile.words else 30)
    monkeypatch.setattr(inquiry, "ATTEMPTS", 2)
    monkeypatch.setattr(inquiry, "BACKOFF_BASE_S", 0.01)
    with contextlib.ExitStack() as stack:
        forbidden = stack.enter_context(RegistrySimulator(lambda _: Reply()))
        others = [stack.enter_context(RegistrySimulator(lambda _: Reply())) for _ in range(2)]
        host, simulator = serve(hostile, forbidden.host, authority, tmp_path, stack)
        client = RegistryClient(
            dataclasses.replace(QUICK, ca_file=authority.ca_file), Keychain(environment={})
        )
        stack.callback(client.close)
        healthy = tuple(Repository(each.host, f"acme/{n}") for each in others for n in range(5))
        yield Stage(host, simulator, healthy, forbidden, names, client)


@pytest.mark.timeout(120)
@pytest.mark.parametrize("hostile", [pytest.param(each, id=each.title) for each in TABLE])
def test_a_hostile_registry_gets_its_words_and_the_others_are_done(
    hostile: Hostile, stage: Stage
) -> None:
    wanted = Repository(stage.hostile, "acme/web")

    results = scan(
        [wanted, *stage.healthy],
        stage.client,
        pull_secrets=lambda _: (),
        clock=SystemClock(),
        jitter=lambda: 0.5,
    )

    error = results[wanted]
    assert isinstance(error, getattr(errors, hostile.kind))
    assert error.message == hostile.said(
        QUICK, lists=QUICK.answer_timeout_s, pages=PAGES, tags=TAGS, elsewhere=stage.forbidden.host
    )
    assert getattr(error, "is_retryable", False) is hostile.is_tried_again
    assert {results[each] for each in stage.healthy} == {Listing.of(["v1"])}
    assert stage.forbidden.requests == []
    assert stage.names.asked <= {"127.0.0.1", stage.hostile.partition(":")[0]}


@pytest.mark.parametrize("as_date", [False, True], ids=["seconds", "date"])
def test_a_host_that_asks_for_time_gets_it_and_then_answers(
    as_date: bool,
) -> None:
    asked_at: list[float] = []

    def limited(_: Request) -> Reply:
        asked_at.append(time.monotonic())
        if len(asked_at) > 1:
            return Reply()
        # A date has no fractions: two seconds on are at least one from now.
        until = formatdate(time.time() + 2, usegmt=True) if as_date else "1"
        return Reply(429, headers={"Retry-After": until})

    with RegistrySimulator(limited) as busy, RegistrySimulator(lambda _: Reply()) as idle:
        wanted = [
            Repository(host, f"acme/{n}") for host in (busy.host, idle.host) for n in range(9)
        ]
        client = RegistryClient(RegistrySettings(), Keychain(environment={}))
        results = scan(
            wanted, client, pull_secrets=lambda _: (), clock=SystemClock(), jitter=lambda: 0.5
        )
        client.close()

    assert set(results.values()) == {Listing.of(["v1"])}
    assert asked_at[1] - asked_at[0] >= 0.9


def test_the_table_of_the_reference_is_the_table_of_these_tests() -> None:
    lists = client_module.LISTS_PATIENCE * RegistrySettings().answer_timeout_s
    pages, tags = client_module.MAX_PAGES, client_module.MAX_TAGS

    assert documented(0) == [row_of(e, lists=lists, pages=pages, tags=tags) for e in TABLE]
