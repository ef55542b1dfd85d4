"""Sends one object by server-side apply, and settles whose fields are whose."""

import contextlib
import copy
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

from reconciler.adapters.cluster.connection import Answer, Connection
from reconciler.adapters.cluster.failures import ConflictError, DroppedVersionError
from reconciler.adapters.cluster.paths import object_path
from reconciler.core.objects.applyset import PART_OF_LABEL
from reconciler.core.objects.claim import Claim, is_person
from reconciler.core.objects.desired import DesiredObject
from reconciler.core.objects.fields import mapping_of
from reconciler.core.objects.live import FIELD_MANAGER
from reconciler.core.objects.resource import Resource
from reconciler.errors import ChangedError

Item = Mapping[str, Any]

_APPLY: Final = "application/apply-patch+yaml"
_JSON_PATCH: Final = "application/json-patch+json"
_REPLICAS: Final = ".spec.replicas"

ATTEMPTS: Final = 5
"""At a write that others may come before: the API server itself tries as often."""


@dataclass(frozen=True, slots=True)
class Sent:
    """What came of an apply.

    Attributes:
        answer: the API server's.
        taken_from: the managers whose fields were taken by force, who are no persons.
    """

    answer: Answer
    taken_from: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Application:
    """One object on its way to the API server.

    Attributes:
        body: what is sent, with our label.
        claim: in whose name, and whose fields it takes.
        is_dry_run: whether nothing is to be changed.
    """

    connection: Connection
    path: str
    body: Mapping[str, object]
    claim: Claim
    is_dry_run: bool = False

    @classmethod
    def of(
        cls,
        connection: Connection,
        resource: Resource,
        desired: DesiredObject,
        claim: Claim,
        *,
        is_dry_run: bool = False,
    ) -> "Application":
        """Address an object and label it as ours."""
        path = object_path(resource, namespace=desired.key.namespace, name=desired.key.name)
        body = desired.labelled({PART_OF_LABEL: claim.part_of})
        return cls(connection, path, body, claim, is_dry_run)

    def send(self) -> Sent:
        """Apply the object. An autoscaler keeps the replicas that it has set.

        Raises:
            ImmutableError: fields cannot be changed any more.
            ConflictError: fields are another manager's, who is no person.
            RefusedError, AccessDeniedError, NotFoundError, ClusterError: see ``failure_of``.
        """
        try:
            return Sent(self._patch())
        except ConflictError as conflict:
            return self._settled(conflict)

    def take_over(self, item: Item) -> bool:
        """Make ours what ``kubectl apply`` wrote from the client; return whether there was any.

        kubernetes#99003: fields that left Git would stay else, because its entry in
        ``managedFields`` still holds them. The entries are merged into ours by giving ours up: what
        it had is then ours at the next apply, and what that does not send is removed.

        Args:
            item: the object as it is after our first apply.
        """
        for _ in range(ATTEMPTS):
            patch = _migration(item)
            if not patch:
                return False
            try:
                self.connection.request("PATCH", self.path, body=patch, content_type=_JSON_PATCH)
            except ChangedError:  # a controller writes its status, for instance
                item = self.connection.request("GET", self.path).body
            else:
                return True
        raise ChangedError("changes faster than its managed fields can be made ours")

    def _settled(self, conflict: ConflictError) -> Sent:
        """Give up what is an autoscaler's, take what is ours by right; else it stays a conflict."""
        if _is_about_lent_replicas(conflict):  # never again: what is not sent does not conflict
            return replace(self, body=_without_replicas(self.body)).send()
        if not all(map(self.claim.takes_from, conflict.managers)):
            raise conflict
        rivals = {each for each in conflict.managers if not is_person(each)}
        return Sent(self._patch(force="true"), tuple(sorted(rivals)))

    def _patch(self, **more: str) -> Answer:
        query = {"fieldManager": FIELD_MANAGER, "fieldValidation": "Strict", **more}
        query |= {"dryRun": "All"} if self.is_dry_run else {}
        for _ in range(ATTEMPTS - 1):
            try:
                return self._sent(query)
            except ChangedError:
                continue
            except DroppedVersionError as error:
                if self.is_dry_run:
                    raise
                with contextlib.suppress(ChangedError):
                    self._rename_version(error.api_version)
        return self._sent(query)

    def _rename_version(self, dropped: str) -> None:
        """Have managed fields name our version in place of one that is no longer served.

        The API server cannot read them else, and refuses every apply. That they are of the new
        version's form is as good as certain, and what is not there is nobody's.
        """
        item = self.connection.request("GET", self.path).body
        entries = copy.deepcopy(item["metadata"].get("managedFields") or [])
        for entry in entries:
            if entry.get("apiVersion") == dropped:
                entry["apiVersion"] = self.body["apiVersion"]
        patch = _replaced_entries(item, entries)
        self.connection.request("PATCH", self.path, body=patch, content_type=_JSON_PATCH)

    def _sent(self, query: Mapping[str, str]) -> Answer:
        return self.connection.request(
            "PATCH", self.path, query=query, body=self.body, content_type=_APPLY
        )


def _is_about_lent_replicas(conflict: ConflictError) -> bool:
    """Whether somebody else, who is no person, has set the replicas: an autoscaler."""
    pairs = zip(conflict.managers, conflict.fields, strict=True)
    return any(field == _REPLICAS and not is_person(manager) for manager, field in pairs)


def _without_replicas(body: Mapping[str, object]) -> Mapping[str, object]:
    spec = {name: value for name, value in mapping_of(body["spec"]).items() if name != "replicas"}
    return {**body, "spec": spec}


def _migration(item: Item) -> list[Mapping[str, object]]:
    """Return the JSON patch that makes client-side entries ours; empty if there are none."""
    entries = copy.deepcopy(item["metadata"].get("managedFields") or [])
    old = [entry for entry in entries if _is_client_side(entry)]
    if not old:
        return []
    old[0] |= {"manager": FIELD_MANAGER, "operation": "Apply"}
    kept = [
        entry
        for entry in entries
        if entry is old[0] or not (_is_client_side(entry) or _is_ours(entry))
    ]
    return _replaced_entries(item, kept)


def _replaced_entries(item: Item, entries: Sequence[Item]) -> list[Mapping[str, object]]:
    """Return the JSON patch that gives an object other managed fields, if it is still the same."""
    version = item["metadata"]["resourceVersion"]
    return [
        {"op": "replace", "path": "/metadata/managedFields", "value": entries},
        {"op": "replace", "path": "/metadata/resourceVersion", "value": version},
    ]


def _is_client_side(entry: Item) -> bool:
    return (
        entry.get("manager") in ("kubectl-client-side-apply", "before-first-apply")
        and entry.get("operation") == "Update"
        and not entry.get("subresource")
    )


def _is_ours(entry: Item) -> bool:
    return entry.get("manager") == FIELD_MANAGER and entry.get("operation") == "Apply"
