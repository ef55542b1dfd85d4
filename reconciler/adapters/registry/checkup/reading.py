"""Whether a repository can be read: whose login is taken, and what it gives us to read."""

import shlex
from collections.abc import Callable, Iterable, Iterator
from typing import TypeVar

from reconciler.adapters.registry.auth import Visit
from reconciler.adapters.registry.cloud.place import cloud_of
from reconciler.adapters.registry.place import name_in_logins
from reconciler.adapters.registry.rate_limit import RateLimit
from reconciler.adapters.registry.registries import Registries, Shared
from reconciler.adapters.registry.scope import LISTING, READING
from reconciler.core.checkup import Check, failed, passed, skipped, warned
from reconciler.core.images.endpoint import Endpoint
from reconciler.core.images.pull_secret import PullCredential, Unread
from reconciler.errors import (
    AccessDeniedError,
    ClusterError,
    NotFoundError,
    ReconcilerError,
    RegistryError,
)

Found = TypeVar("Found")

ReadTags = Callable[[Visit], tuple[str, ...]]
ReadDigest = Callable[[Visit, str], str]


class Reading:
    """Reads one repository at one place, and says how each step goes."""

    def __init__(
        self,
        registries: Registries,
        endpoint: Endpoint,
        pull_secrets: Iterable[PullCredential],
        *,
        read_tags: ReadTags,
        read_digest: ReadDigest,
    ) -> None:
        self._registries = registries
        self._endpoint = endpoint
        self._pull_secrets = Shared(pull_secrets)
        self._read_tags = read_tags
        self._read_digest = read_digest
        self._visit: Visit | None = None

    def checks(self, tag: str | None) -> Iterator[Check]:
        """Yield the login, the list, one image, and what is left of a limit.

        Args:
            tag: the one that stands in Git; None: none does.
        """
        try:
            tags = self._at(self._listed, LISTING)
        except ReconcilerError as error:
            yield from self._unlisted(error)
        else:
            yield self._login()
            yield _listed(tags, tag)
            yield self._image(tag if tag in tags else next(iter(reversed(tags)), None))
        limit = self._registries.limits.get(self._endpoint.host)
        if limit is not None:
            yield _limit(limit)

    def _at(self, read: Callable[[Visit], Found], doing: str) -> Found:
        return self._registries.visit_at(
            self._endpoint, read, pull_secrets=self._pull_secrets, doing=doing
        )

    def _listed(self, visit: Visit) -> tuple[str, ...]:
        self._visit = visit
        return self._read_tags(visit)

    def _login(self) -> Check:
        accepted = self._visit.accepted if self._visit else None
        if accepted is None:
            return passed("login", "none is asked for")
        (candidate,) = accepted
        return passed("login", f"of {candidate.origin}" if candidate else "none is needed")

    def _image(self, tag: str | None) -> Check:
        if tag is None:
            return skipped("image", "there is no tag to read one by")
        try:
            digest = self._at(lambda visit: self._read_digest(visit, tag), READING)
        except ReconcilerError as error:
            may_pass = isinstance(error, RegistryError) and error.is_retryable
            cause = (
                "it is overloaded, or the network is"
                if may_pass
                else "the login may list and not read, or what the tag names is no image; digests, "
                "platforms and creation times cannot be known"
            )
            return failed("image", error.message, cause=cause, may_pass=may_pass)
        return passed("image", f"{tag} is {digest[:19]}…")

    def _unlisted(self, error: ReconcilerError) -> Iterator[Check]:
        match error:
            case AccessDeniedError():
                yield self._denied(error)
                yield skipped("tags", "no login is taken")
            case ClusterError():
                yield failed(
                    "login",
                    error.message,
                    cause="the API server did not give the pull secrets",
                    remedy="kubectl get --raw /readyz",
                    may_pass=True,
                )
                yield skipped("tags", "no login is taken")
            case NotFoundError():
                yield self._login()
                yield self._missing(error)
            case _:
                yield skipped("login", "see tags")
                yield _unanswered(error)
        yield skipped("image", "the tags are not known")

    def _denied(self, error: ReconcilerError) -> Check:
        repository = self._endpoint.repository
        cloud = cloud_of(repository.host)
        if cloud:
            remedy = f"reconcile … --registry-cloud {cloud}"
        elif unread := [each for each in self._pull_secrets if isinstance(each, Unread)]:
            remedy = _look_at(unread[0])
        else:
            server = name_in_logins(repository.host)
            remedy = (
                "kubectl create secret docker-registry regcred"
                f" --docker-server={shlex.quote(server)}"
                " --namespace=NAMESPACE --docker-username=USER --docker-password=TOKEN"
            )
        return failed(
            "login",
            error.message,
            cause="the password or token is wrong, has ended, or may not list tags here",
            remedy=remedy,
        )

    def _missing(self, error: ReconcilerError) -> Check:
        if self._endpoint.is_mirror:
            cause = "this mirror has other repositories, or another path: see its rewrite"
            return warned("tags", f"{error.message}; the next place is asked", cause=cause)
        return failed(
            "tags",
            error.message,
            cause="a slip in the image's name, or nothing was pushed there yet",
            remedy=f"reconcile images | grep {shlex.quote(self._endpoint.repository.path)}",
        )


def _look_at(unread: Unread) -> str:
    """Return the command that shows what we could not read: ``the secret web/regcred``."""
    kind, _, place = unread.origin.removeprefix("the ").partition(" ")
    namespace, _, name = place.partition("/")
    return f"kubectl get {kind.lower()} {shlex.quote(name)} --namespace={shlex.quote(namespace)}"


def _unanswered(error: ReconcilerError) -> Check:
    if isinstance(error, RegistryError) and error.is_throttling:
        cause = "we, or others behind this address, ask too much; with a login most permit more"
    elif isinstance(error, RegistryError) and not error.is_retryable:
        cause = "what answers is not quite a registry, or something in between changes its answers"
    else:
        cause = "it is down or overloaded, or the network is"
    may_pass = not isinstance(error, RegistryError) or error.is_retryable or error.is_throttling
    return failed("tags", error.message, cause=cause, may_pass=may_pass)


def _listed(tags: tuple[str, ...], tag: str | None) -> Check:
    count = f"{len(tags):,} tag{'' if len(tags) == 1 else 's'}"
    if tag is None or tag in tags:
        return passed("tags", count) if tags else _empty()
    return warned(
        "tags",
        f"{count}, and {tag}, which Git has, is not among them",
        cause="it was deleted or never pushed: a new pod could not pull it",
        remedy="reconcile images",
    )


def _empty() -> Check:
    return warned("tags", "no tags", cause="nothing is pushed there, or all was deleted")


def _limit(limit: RateLimit) -> Check:
    of = f" of {limit.limit:,}" if limit.limit is not None else ""
    reset = f"; counted anew in {limit.reset_s:,.0f} s" if limit.reset_s else ""
    detail = f"{limit.remaining:,}{of} requests left{reset}"
    if limit.remaining:
        return passed("limit", detail)
    cause = "nothing more is answered until then; with a login most permit more"
    return warned("limit", detail, cause=cause)
