"""The headers by which a request is made as somebody else."""

import os
import re
from collections.abc import Mapping
from typing import Final
from urllib.parse import quote

from reconciler.core.objects.fields import items_of, mapping_of
from reconciler.errors import SettingsError

Headers = tuple[tuple[str, str], ...]

IMPERSONATE_USER: Final = "Impersonate-User"
"""A ServiceAccount's groups are not told: the API server knows them, and who tells them would need
the right to impersonate groups (``apiserver/pkg/endpoints/filters/impersonation``)."""

_ASKED_FOR: Final = re.compile(r"""["'\s,{]as(?:-uid|-groups|-user-extra)?["']?\s*:""")
_FIT: Final = re.compile(r"[\x20-\x7e]+")


def impersonation_in(paths: str, context: str | None) -> Headers:
    """Return the headers that a kubeconfig's user asks for by ``as`` and its like; mostly none.

    As kubectl does (``client-go/transport``, ``impersonatingRoundTripper``); the official client
    for Python would act as the user itself, who may do more.

    Args:
        paths: of the files, as in ``$KUBECONFIG``; they have been read already.
        context: whose user; None: the current one's.

    Raises:
        SettingsError: that fits no header.
    """
    if not any(map(_is_asked_for, paths.split(os.pathsep))):
        return ()
    from kubernetes.config.kube_config import KubeConfigMerger  # noqa: PLC0415 - slow, as above

    merged = KubeConfigMerger(paths).config
    chosen = merged["contexts"].get_with_name(context or merged["current-context"])["context"]
    user = merged["users"].get_with_name(chosen.safe_get("user"), safe=True)
    return headers_of(mapping_of(user.safe_get("user") if user else None))


def headers_of(user: Mapping[str, object]) -> Headers:
    """Return the headers that a user asks for.

    Raises:
        SettingsError: a value cannot stand in a header, or it is not told whom to act as.
    """
    extra = mapping_of(user.get("as-user-extra"))
    given = [
        (IMPERSONATE_USER, user.get("as")),
        ("Impersonate-Uid", user.get("as-uid")),
        *(("Impersonate-Group", group) for group in items_of(user.get("as-groups"))),
        *(
            (f"Impersonate-Extra-{quote(str(key), safe='')}", value)
            for key, values in extra.items()
            for value in items_of(values)
        ),
    ]
    headers = tuple((name, str(value)) for name, value in given if value)
    for name, value in headers:
        if not _FIT.fullmatch(value):
            raise SettingsError(f"the kubeconfig's user acts as {value!r}: that fits no {name}")
    if headers and headers[0][0] != IMPERSONATE_USER:
        raise SettingsError("the kubeconfig's user has groups to act with, and no 'as'")
    return headers


def _is_asked_for(path: str) -> bool:
    """Whether a file may say so: it is parsed a second time then."""
    try:
        with open(os.path.expanduser(path), encoding="utf-8") as file:  # noqa: PTH111, PTH123 - see access.py
            return _ASKED_FOR.search(file.read()) is not None
    except OSError:
        return False
