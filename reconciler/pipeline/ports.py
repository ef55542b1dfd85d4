"""What else the stages need from the outside, in their own words."""

from collections.abc import Mapping
from typing import Protocol

from reconciler.core.encrypted.keys import Keys


class Kustomize(Protocol):
    """Builds kustomizations. Safe to call from many threads."""

    def build(self, files: Mapping[str, bytes], folder: str, *, is_secret: bool = False) -> str:
        """Return what a kustomization gives, as documents of YAML.

        Nothing is fetched, and no program of the repository is run.

        Args:
            files: all that it may load, by path.
            folder: where it is.
            is_secret: whether files are to be in memory, where that can be had, and not on a disk.

        Raises:
            ManifestError: it cannot be built, in kustomize's words; or there is no kustomize.
            TransientError: it was not built, and may be the next time.
            StoppedError: this process is to end.
        """
        ...


class KeySource(Protocol):
    """Gives the keys that open encrypted documents."""

    def read(self) -> Keys:
        """Return the keys as they are now; what is wrong with some of them they tell."""
        ...


class Clock(Protocol):
    """Time, injectable."""

    def now(self) -> float:
        """Return seconds of a monotonic clock."""
        ...

    def sleep(self, seconds: float) -> None:
        """Wait that long; returns early when the process is asked to stop."""
        ...
