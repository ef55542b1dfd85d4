"""Reading: what one content says about images, or why it cannot be read."""

from dataclasses import dataclass
from typing import TypeAlias

from reconciler.core.manifests.images import FileReport, inspect
from reconciler.core.manifests.tree import MAX_FILE_BYTES, Oversize
from reconciler.errors import ManifestError

Reading: TypeAlias = FileReport | ManifestError
"""What a content says about images, or why nobody can tell: it is too large, no text, or in LFS."""

# git-lfs, docs/spec.md: "the first key is always version"
_LFS_POINTER = b"version https://git-lfs.github.com/spec/"


@dataclass(frozen=True, slots=True)
class Terms:
    """What a reading depends on, beside the content and its path.

    Attributes:
        default_namespace: of workloads that name none.
        is_survey: whether workloads that are not automated count too.
    """

    default_namespace: str
    is_survey: bool = False


def text_of(path: str, content: bytes | Oversize) -> str | ManifestError:
    """Return a content as text, or why it is none."""
    if isinstance(content, Oversize):
        reason = f"has {content.size_bytes:,} bytes; the limit is {MAX_FILE_BYTES:,}"
        return ManifestError(reason, where=path)
    if content.startswith(_LFS_POINTER):
        reason = "is a pointer of Git LFS: what it says is not in Git; keep manifests out of LFS"
        return ManifestError(reason, where=path)
    try:
        return content.decode()
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        return ManifestError("is not UTF-8", where=f"{path}:{line}")


def reading_of(path: str, text: str | ManifestError, terms: Terms) -> Reading:
    """Return what a text says about images; what is no text is its own reading.

    Two files of the same content read the same but for the path, unless they are kustomizations:
    these name others from where they stand.
    """
    if isinstance(text, ManifestError):
        return text
    return inspect(path, text, default_namespace=terms.default_namespace, is_survey=terms.is_survey)
