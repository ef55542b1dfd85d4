"""Image references: a repository with a tag, a digest, or both."""


from dataclasses import dataclass


@dataclass(frozen=True, slots=True, order=True)
class Repository:
    """A registry host and a path in it, normalised: ``docker.io`` and ``library/nginx`` for ``nginx``."""

    host: str  # with port if one is written: ``registry.example:5000``
    path: str

    def __str__(self) -> str:
        return f"{self.host}/{self.path}"


@dataclass(frozen=True, slots=True)
class ImageReference:
    """``registry.example/acme/web:1.4.2``. ``str`` gives back the very text that was parsed."""

    name: str  # the part before tag and digest, spelled as in the manifest
    repository: Repository  # the same, normalised
    tag: str | None = None
    digest: str | None = None  # "sha256:<64 hex>"
