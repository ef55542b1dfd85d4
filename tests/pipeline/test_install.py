"""What install and uninstall do where a cluster does what the lab's cannot be made to do."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import pytest

from reconciler.core.installation.inventory import NAME, Installed, encode
from reconciler.core.installation.request import OWNER_LABEL
from reconciler.core.objects.identity import ObjectKey
from reconciler.core.objects.report import Action
from reconciler.core.objects.right import Right
from reconciler.errors import AccessDeniedError, ClusterError, ReconcilerError, RefusedError
from reconciler.pipeline import uninstall as removing
from reconciler.pipeline.install import NO_DRY_RUN, Wanted, install, look, require_rights
from reconciler.pipeline.install_port import Item

OURS = {OWNER_LABEL: "tools"}
NAMESPACE = ObjectKey("", "Namespace", "", "tools")
DEPLOYMENT = ObjectKey("apps", "Deployment", "tools", "reconcile")
INVENTORY = ObjectKey("", "ConfigMap", "tools", NAME)
STATE = ObjectKey("", "ConfigMap", "tools", "reconcile-default")


def body(key: ObjectKey, **more: object) -> dict[str, Any]:
    metadata = {"name": key.name, "namespace": key.namespace, "labels": dict(OURS)}
    return {"apiVersion": "v1", "kind": key.kind, "metadata": metadata, **more}


@dataclass
class FakeSite:
    """A cluster in memory, with knobs."""

    objects: dict[ObjectKey, dict[str, Any]] = field(default_factory=dict)
    immortal: frozenset[ObjectKey] = frozenset()
    refusal: ReconcilerError | None = None
    is_closed: bool = False
    denied: tuple[str, ...] = ()
    applied: list[tuple[ObjectKey, bool]] = field(default_factory=list)
    versions: int = 0

    def live(self, key: ObjectKey) -> Item | None:
        return self.objects.get(key)

    def apply(self, key: ObjectKey, body: Item, *, is_dry_run: bool) -> Item:
        self.applied.append((key, is_dry_run))
        if self.refusal is not None and is_dry_run:
            raise self.refusal
        if is_dry_run:
            return body
        self.versions += 1
        metadata = {**body["metadata"], "resourceVersion": str(self.versions)}
        self.objects[key] = {**body, "metadata": metadata}
        return self.objects[key]

    def delete(self, key: ObjectKey, item: Item) -> None:
        del item
        if key not in self.immortal:
            self.objects.pop(key, None)

    def lacking(self, rights: Sequence[Right]) -> Sequence[Right]:
        return [each for each in rights if each.resource in self.denied]

    def memories(self, namespace: str) -> Sequence[ObjectKey]:
        del namespace
        return [key for key in self.objects if key.name.startswith("reconcile-")]

    def contents(self, namespace: str) -> Sequence[ObjectKey]:
        del namespace
        if self.is_closed:
            raise AccessDeniedError("you may not list gadgets")
        return []


def installed_site(**knobs: Any) -> FakeSite:  # noqa: ANN401 - of the fake
    made = Installed((NAMESPACE, DEPLOYMENT, INVENTORY), ("default",))
    objects = {
        NAMESPACE: body(NAMESPACE),
        DEPLOYMENT: body(DEPLOYMENT),
        INVENTORY: body(INVENTORY, data=encode(made)),
        STATE: body(STATE),
    }
    return FakeSite(objects, **knobs)


def wanted(**more: Any) -> Wanted:  # noqa: ANN401 - of what is wanted
    objects: Mapping[ObjectKey, Any] = {
        NAMESPACE: body(NAMESPACE),
        DEPLOYMENT: body(DEPLOYMENT),
    }
    return Wanted(namespace="tools", objects=objects, **more)


def test_what_was_made_is_written_down_before_the_next_thing_is_made() -> None:
    site = FakeSite()

    list(install(wanted(), look(wanted(), site), site, is_dry_run=False))

    made = [key for key, is_dry_run in site.applied if not is_dry_run]
    assert made == [NAMESPACE, INVENTORY, DEPLOYMENT]


def test_a_webhook_that_knows_no_dry_run_is_no_refusal() -> None:
    site = FakeSite({NAMESPACE: body(NAMESPACE)}, refusal=RefusedError(f"webhook {NO_DRY_RUN}"))

    assert look(wanted(), site).has_namespace

    site.refusal = RefusedError("no such field")
    with pytest.raises(RefusedError, match="no such field"):
        look(wanted(), site)


def test_an_api_server_that_fails_meanwhile_is_no_refusal() -> None:
    site = FakeSite({NAMESPACE: body(NAMESPACE)}, refusal=ClusterError("is down"))

    with pytest.raises(ClusterError, match="is down"):
        look(wanted(), site)


def test_a_namespace_that_is_to_be_made_takes_the_right_to_make_it() -> None:
    with pytest.raises(AccessDeniedError, match="you may not create, patch namespaces"):
        require_rights(wanted(), _without_making_namespaces())


def _without_making_namespaces() -> FakeSite:
    class Site(FakeSite):
        def lacking(self, rights: Sequence[Right]) -> Sequence[Right]:
            return [each for each in rights if each.resource == "namespaces" and each.verb != "get"]

    return Site()


def test_secrets_are_in_no_repr() -> None:
    assert "canary" not in repr(wanted(secrets={"git": {"identity": b"canary"}}))


def test_a_pod_that_does_not_end_keeps_all_else_for_the_next_run() -> None:
    site = installed_site(immortal=frozenset({DEPLOYMENT}))
    removal = removing.look("tools", site)

    with pytest.raises(ClusterError, match="pods have not ended for 60 s"):
        list(removing.uninstall(removal, site, sleep=lambda _: None))

    assert set(site.objects) == {NAMESPACE, DEPLOYMENT, INVENTORY, STATE}


def test_a_namespace_that_may_not_be_looked_through_is_kept() -> None:
    site = installed_site(is_closed=True)

    done = list(removing.uninstall(removing.look("tools", site), site))

    assert (done[-1].key, done[-1].action) == (NAMESPACE, Action.KEPT)
    assert done[-1].note == "may not be empty: you may not list gadgets"
    assert set(site.objects) == {NAMESPACE}


def test_what_says_what_was_made_goes_last() -> None:
    site = installed_site()

    done = list(removing.uninstall(removing.look("tools", site), site))

    assert [each.key for each in done] == [DEPLOYMENT, STATE, INVENTORY, NAMESPACE]
    assert not site.objects
