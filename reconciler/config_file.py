"""The file that ``--config`` names."""

from collections.abc import Mapping
from pathlib import Path

from reconciler.core.manifests.document import parse_documents
from reconciler.core.manifests.value import to_value
from reconciler.errors import ManifestError, SettingsError
from reconciler.text_file import read_text_file

MAX_BYTES = 1024 * 1024


def read_config(path: Path) -> Mapping[str, object]:
    """Return the configuration file's mapping.

    Raises:
        SettingsError: it cannot be read, or is no YAML mapping.
    """
    try:
        text = read_text_file(path, max_bytes=MAX_BYTES)
        documents = parse_documents(text, path=str(path))
        broken = next((each.error for each in documents if each.error), None)
        if broken is not None:
            raise broken
        values = [to_value(each.root, path=str(path)) for each in documents if each.root]
    except SettingsError as error:
        raise SettingsError(f"--config: {error.message}", where=error.where) from error
    except ManifestError as error:
        raise SettingsError(f"--config cannot be read: {error}") from error
    match values:
        case []:
            return {}
        case [dict(mapping)]:
            return mapping
        case _:
            raise SettingsError("--config must hold one YAML mapping", where=str(path))
