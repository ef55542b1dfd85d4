"""What the stages need from registries, and of what is known of images, in their own words."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Protocol

from reconciler.core.checkup import Check
from reconciler.core.images.endpoint import Endpoint
from reconciler.core.images.facts import Facts
from reconciler.core.images.origin import Origin
from reconciler.core.images.platform import Platform
from reconciler.core.images.pull_secret import PullCredential, PullSecret
from reconciler.core.images.reference import Repository


class TagSource(Protocol):
    """Lists the tags of a repository. Safe to call from many threads."""

    def list_tags(
        self, repository: Repository, *, pull_secrets: Iterable[PullCredential] = ()
    ) -> Sequence[str]:
        """Return every tag, in no promised order, duplicates left out.

        One attempt: whether and when to try again is the caller's business
        (``RegistryError.is_retryable`` and ``retry_after_s``).

        Args:
            repository: whose tags.
            pull_secrets: the cluster's logins for this repository, tried in this order before any
                other. Looked through once at most, and no further than the first that is accepted;
                not at all while the registry asks for none: reading them may cost something.

        Raises:
            RegistryError: the registry failed, lied, or did not answer in time.
            AccessDeniedError: it refused our credentials, or wants some; says whose were tried,
                and which pull secrets could not be read.
            ClusterError: likewise, and some of them could not be read for now.
            NotFoundError: there is no such repository.
        """
        ...


class ImageSource(Protocol):
    """Says what a registry knows of single images. Safe to call from many threads.

    One attempt each, with the same errors and the same use of ``pull_secrets`` as
    :meth:`TagSource.list_tags`. What is asked by digest never changes and may be remembered.
    """

    def digest_of(
        self, repository: Repository, tag: str, *, pull_secrets: Iterable[PullCredential] = ()
    ) -> str:
        """Return the digest that a tag names now: of the index, where there is one.

        Raises:
            RegistryError: the registry failed, lied, or did not answer in time.
            AccessDeniedError, ClusterError: see :meth:`TagSource.list_tags`.
            NotFoundError: there is no such tag.
        """
        ...

    def platforms_of(
        self, repository: Repository, digest: str, *, pull_secrets: Iterable[PullCredential] = ()
    ) -> frozenset[Platform]:
        """Return what an image runs on; of an index: all that its manifests run on.

        Raises:
            RegistryError: likewise; also if the content is not what the digest says.
            AccessDeniedError, ClusterError: see :meth:`TagSource.list_tags`.
            NotFoundError: there is no such image, or it is no image.
        """
        ...

    def created_of(
        self, repository: Repository, digest: str, *, pull_secrets: Iterable[PullCredential] = ()
    ) -> datetime | None:
        """Return when an image was built, with its zone; None if it does not say.

        Raises:
            RegistryError: likewise; also if the content is not what the digest says.
            AccessDeniedError, ClusterError: see :meth:`TagSource.list_tags`.
            NotFoundError: there is no such image, or it is no image.
        """
        ...

    def origin_of(
        self, repository: Repository, digest: str, *, pull_secrets: Iterable[PullCredential] = ()
    ) -> Origin:
        """Return where an image comes from, as far as its labels say.

        Raises:
            RegistryError: likewise; also if the content is not what the digest says.
            AccessDeniedError, ClusterError: see :meth:`TagSource.list_tags`.
            NotFoundError: there is no such image, or it is no image.
        """
        ...


class RegistryProbe(Protocol):
    """Tries the access to registries step by step. Safe to call from many threads.

    What goes wrong is a failed :class:`Check` and no error.
    """

    def endpoints_of(self, repository: Repository) -> Sequence[Endpoint]:
        """Return whom a cycle asks about a repository, in order."""
        ...

    def check_host(self, host: str) -> Iterable[Check]:
        """Try a registry's name, a connection, TLS and its API; after a failure nothing more."""
        ...

    def check_repository(
        self, endpoint: Endpoint, *, tag: str | None, pull_secrets: Iterable[PullCredential]
    ) -> Iterable[Check]:
        """Try a repository at one place: login, list of tags, one image, what is left of a limit.

        Args:
            endpoint: one of :meth:`endpoints_of`.
            tag: the one that stands in Git; None: none does.
            pull_secrets: the cluster's logins for it, as for :meth:`TagSource.list_tags`.
        """
        ...


class FactStore(Protocol):
    """Keeps what was read of images, to save the reading. Safe to call from many threads.

    It may forget everything at any time, and never fails: what cannot be kept is not.
    """

    def load(self, repository: Repository) -> Facts:
        """Return what is kept of a repository's images."""
        ...

    def save(self, repository: Repository, facts: Facts) -> None:
        """Keep this of a repository's images, in place of what was kept before."""
        ...


class SecretSource(Protocol):
    """Reads the registry secrets of a cluster, each by its name. Safe to call from many threads."""

    def pull_secret(self, namespace: str, name: str) -> PullSecret:
        """Return a Secret that pods can pull images with.

        Raises:
            NotFoundError: it is not there.
            RefusedError: it is of another type, or holds nothing that can be read.
            AccessDeniedError: we may not read it.
            ClusterError: the API server failed, or did not answer in time.
            SettingsError: the cluster's configuration cannot be used.
        """
        ...

    def pull_secret_names(self, namespace: str, service_account: str) -> Sequence[str]:
        """Return the names of the secrets that a ServiceAccount lends its pods, in its order.

        Raises:
            NotFoundError: it is not there.
            RefusedError: that is no name of one.
            AccessDeniedError: we may not read it.
            ClusterError: the API server failed, or did not answer in time.
            SettingsError: the cluster's configuration cannot be used.
        """
        ...
