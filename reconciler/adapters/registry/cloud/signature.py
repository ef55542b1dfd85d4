"""Signs a request to AWS: Signature Version 4.

AWS, "Create a signed AWS API request": a canonical request is hashed, and signed by a key that is
derived from the secret, the date, the region and the service.
"""

import hashlib
import hmac
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final
from urllib.parse import urlsplit

from reconciler.adapters.registry.cloud.grant import CloudProblem
from reconciler.core.redaction import Secret

_PART: Final = re.compile(r"[!-~]+")
_ALGORITHM: Final = "AWS4-HMAC-SHA256"


@dataclass(frozen=True, slots=True)
class Keys:
    """An access key; one for a while has a session token.

    Raises:
        CloudProblem: a part of it is nothing that a header can hold; it is not quoted.
    """

    access_key: str = field(repr=False)
    secret: Secret
    session_token: Secret | None = None

    def __post_init__(self) -> None:
        """Refuse a key that was copied with the end of its line."""
        secrets = filter(None, (self.secret, self.session_token))
        parts = (self.access_key, *(each.reveal() for each in secrets))
        if not all(map(_PART.fullmatch, parts)):
            raise CloudProblem("the access key of AWS holds a space, a line end or no text")


@dataclass(frozen=True, slots=True)
class Scope:
    """What a signature is good for, and when it was made (with a zone)."""

    region: str
    service: str
    at: datetime


def signed_headers(
    url: str, headers: Mapping[str, str], body: bytes, *, keys: Keys, scope: Scope
) -> dict[str, str]:
    """Return the headers of a POST to the root of a host, with those that prove who sends it.

    Args:
        url: where to; has no path but ``/`` and no query.
        headers: to be signed, besides ``Host``.
        body: of the request.
        keys: of who sends it.
        scope: of the signature.
    """
    stamp = scope.at.strftime("%Y%m%dT%H%M%SZ")
    more = {"X-Amz-Date": stamp}
    if keys.session_token is not None:
        more["X-Amz-Security-Token"] = keys.session_token.reveal()
    sent = {**headers, **more}
    all_ = {**sent, "Host": urlsplit(url).netloc}
    canonical = {name.lower(): value.strip() for name, value in sorted(all_.items(), key=_lower)}
    names = ";".join(canonical)
    lines = "".join(f"{name}:{value}\n" for name, value in canonical.items())
    request = f"POST\n/\n\n{lines}\n{names}\n{hashlib.sha256(body).hexdigest()}"
    credential = f"{stamp[:8]}/{scope.region}/{scope.service}/aws4_request"
    hashed = hashlib.sha256(request.encode()).hexdigest()
    text = f"{_ALGORITHM}\n{stamp}\n{credential}\n{hashed}"
    signature = hmac.new(_key(keys, credential), text.encode(), hashlib.sha256).hexdigest()
    proof = f"Credential={keys.access_key}/{credential}, SignedHeaders={names}"
    return {**sent, "Authorization": f"{_ALGORITHM} {proof}, Signature={signature}"}


def _key(keys: Keys, credential: str) -> bytes:
    """Derive the signing key: one round a part of the credential's scope."""
    key = f"AWS4{keys.secret.reveal()}".encode()
    for part in credential.split("/"):
        key = hmac.digest(key, part.encode(), "sha256")
    return key


def _lower(item: tuple[str, str]) -> str:
    return item[0].lower()
