"""Our own manifests: in the wheel beside the code, in a checkout of the sources beside it."""

from collections.abc import Mapping
from pathlib import Path
from typing import Final

import reconciler
from reconciler.errors import SettingsError

FOLDERS: Final = ("base", "namespace", "cluster-wide", "admin", "secrets", "tenant")


def own_manifests() -> Mapping[str, str]:
    """Return the texts of our manifests by path: ``base/deployment.yaml``.

    Raises:
        SettingsError: they are not there: the program is not installed as it was made.
    """
    package = Path(reconciler.__file__).resolve().parent
    for root in (package / "manifests", package.parent / "manifests"):
        if (root / "base").is_dir():
            return {
                path.relative_to(root).as_posix(): path.read_text(encoding="utf-8")
                for folder in FOLDERS
                for path in sorted((root / folder).glob("*.yaml"))
            }
    raise SettingsError("our manifests are missing: this is no whole installation of the program")
