"""Files of a kustomization that SOPS has encrypted: opened for the build, and veiled after it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Final

from reconciler.core.described import Found
from reconciler.core.encrypted.files import open_file
from reconciler.core.encrypted.keys import Keys
from reconciler.core.encrypted.veils import veiled_by
from reconciler.core.manifests.variables import SIGN, Variables
from reconciler.core.objects.desired import SECRET, DesiredObject
from reconciler.core.objects.preview import values_of
from reconciler.core.redaction import redact_quotes
from reconciler.errors import ManifestError

MAX_WORDS: Final = 1000  # characters of a message that other programs had a part in
DATA: Final = "data"
MOST_TEXTS: Final = 1000
"""That each field of each object is compared with; of more, all fields count as decrypted."""


@dataclass(frozen=True, slots=True)
class Unsealed:
    """The files of one build.

    Attributes:
        files: all but those that could not be decrypted.
        texts: what was encrypted in them.
        wholes: those of them that are the whole of a file, which a build takes apart.
        problems: why the others could not be, in path order.
    """

    files: Mapping[str, bytes]
    texts: frozenset[str]
    wholes: frozenset[str]
    problems: tuple[ManifestError, ...]

    @classmethod
    def of(cls, contents: Mapping[str, bytes], keys: Keys | None) -> "Unsealed":
        """Return files by path, decrypted."""
        files = dict(contents)
        texts: set[str] = set()
        wholes: set[str] = set()
        problems: list[ManifestError] = []
        for path in sorted(contents):
            try:
                opened = open_file(path, contents[path], keys)
            except ManifestError as error:
                problems.append(error)
                del files[path]
            else:
                if opened is not None:
                    files[path] = opened.content
                    texts |= opened.texts
                    wholes.add(opened.whole)
        nothing = {""}
        return cls(files, frozenset(texts - nothing), frozenset(wholes - nothing), tuple(problems))

    @property
    def is_secret(self) -> bool:
        """Whether any of the files was decrypted."""
        return bool(self.texts)

    def built(self, build: Callable[[Mapping[str, bytes]], str]) -> str:
        """Return what is built of the files.

        One that could not be decrypted is not among them: where it is not needed it does no harm,
        and no build takes it as it stands.

        Raises:
            ManifestError: a file is needed that could not be decrypted; or what ``build`` raises.
        """
        try:
            return build(self.files)
        except ManifestError as error:
            if self.problems:
                raise self.problems[0] from error
            raise self._discreet(error) from None

    def sparing(self, variables: Variables | None) -> Variables | None:
        """Return variables that are not filled into what was decrypted."""
        if variables is None:
            return None
        return replace(variables, spared=frozenset(each for each in self.texts if SIGN in each))

    def veiled(self, found: Found) -> Found:
        """Return what was built, with what came from decrypted files veiled."""
        if isinstance(found, ManifestError):
            return self._discreet(found)
        if not isinstance(found, DesiredObject) or not self.texts:
            return found
        if len(self.texts) > MOST_TEXTS:
            return found.veiled_at([*values_of(found.body), ("metadata", "labels")])
        is_secret = found.key.group_kind == SECRET
        body = {name: each for name, each in found.body.items() if not (is_secret and name == DATA)}
        paths = veiled_by(body, self.texts, self.wholes)
        return found.veiled_at([*paths, (DATA,)] if is_secret else paths)

    def _discreet(self, error: ManifestError) -> ManifestError:
        message = redact_quotes(error.message, self.texts)
        return ManifestError(message[:MAX_WORDS], where=error.where)
