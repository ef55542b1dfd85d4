"""Whom to ask about a repository: its mirrors, and its own registry."""

from collections.abc import Mapping

from reconciler.adapters.registry.place import api_host
from reconciler.core.images.endpoint import Endpoint
from reconciler.core.images.reference import Repository
from reconciler.core.images.tag_filter import TagFilter
from reconciler.host_settings import HostSettings, Mirror, Rewrite


def endpoints_of(repository: Repository, hosts: Mapping[str, HostSettings]) -> tuple[Endpoint, ...]:
    """Return whom to ask about a repository, in order; its own registry is always among them.

    Args:
        repository: as in the manifest.
        hosts: the registries about which something special is known, by host.
    """
    own = Endpoint(api_host(repository.host), repository)
    entry = hosts.get(repository.host.lower())
    if entry is None or not entry.mirrors:
        return (own,)
    asked = [_at(mirror, repository) for mirror in entry.mirrors]
    has_own = any(mirror.host == entry.host for mirror in entry.mirrors)
    return tuple(dict.fromkeys(asked if has_own else [*asked, own]))


def rewritten(path: str, rewrites: tuple[Rewrite, ...]) -> str:
    """Return the path that the first rewrite which matches makes of a path.

    As in k3s, what the pattern matches is replaced, and the rest stays: ``^acme/`` and ``mirror/``
    make ``mirror/web`` of ``acme/web``, as do ``^acme/(.*)$`` and ``mirror/$1``.
    """
    for rewrite in rewrites:
        span = rewrite.pattern.span_of(path)
        if span is not None:
            return f"{path[: span[0]]}{_filled(rewrite, path)}{path[span[1] :]}"
    return path


def _at(mirror: Mirror, repository: Repository) -> Endpoint:
    there = Repository(mirror.host, rewritten(repository.path, mirror.rewrites))
    return Endpoint(api_host(mirror.host), there, is_mirror=mirror.host != repository.host.lower())


def _filled(rewrite: Rewrite, path: str) -> str:
    """Return the replacement with its ``$1`` filled in, by the rules of templates for tags."""
    if not rewrite.replacement:
        return ""
    return TagFilter(rewrite.pattern, rewrite.replacement).extract(path) or ""
