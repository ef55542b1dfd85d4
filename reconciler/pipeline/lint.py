"""Lint: read manifests, and ask nobody about them."""

from reconciler.core.lint.linting import Lint, lint
from reconciler.pipeline.git_port import ManifestRepository
from reconciler.pipeline.memory import Memory
from reconciler.pipeline.read import read


def lint_repository(repository: ManifestRepository, *, default_namespace: str) -> Lint:
    """Return what is wrong with the manifests of a repository.

    Raises:
        AccessDeniedError, StalledError, TransientError: they cannot be read.
    """
    view = read(
        repository,
        paths=(),
        default_namespace=default_namespace,
        memory=Memory(is_survey=True),
    )
    return lint(view.reports, view.texts, view.problems, default_namespace=default_namespace)
