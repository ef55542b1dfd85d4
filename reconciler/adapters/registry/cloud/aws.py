"""AWS: Elastic Container Registry, by ``ecr:GetAuthorizationToken``.

Amazon ECR API Reference, "GetAuthorizationToken": "an authorization token is valid for 12 hours",
and good for every registry that the role may use in that region; it is base64 of ``AWS:password``.
Without a library: AWS's own for Python cannot be installed beside the Kubernetes client that we
use (docs/adr/0005-cloud-logins.md).
"""

import base64
import binascii
import re
import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Final

import msgspec

from reconciler.adapters.registry.cloud.aws_keys import AwsKeys, endpoint
from reconciler.adapters.registry.cloud.caller import Call, Caller, read_json, unexpected
from reconciler.adapters.registry.cloud.grant import CloudProblem, Grant
from reconciler.adapters.registry.cloud.place import EcrPlace, ecr_place
from reconciler.adapters.registry.cloud.signature import Scope, signed_headers
from reconciler.adapters.registry.login import Login
from reconciler.adapters.registry.transport import Response
from reconciler.core.redaction import Secret

_PRIVATE_TARGET: Final = "AmazonEC2ContainerRegistry_V20150921.GetAuthorizationToken"
_PUBLIC_TARGET: Final = "SpencerFrontendService.GetAuthorizationToken"
_JSON: Final = "application/x-amz-json-1.1"
_WHO: Final = "ECR"
_OK: Final = 200
_CODE: Final = re.compile(r"[A-Za-z]{1,80}")
_NO_KEY: Final = frozenset(
    {
        *("UnrecognizedClientException", "InvalidClientTokenId", "InvalidSignatureException"),
        *("ExpiredTokenException", "IncompleteSignatureException"),
    }
)
_PUBLIC_RIGHTS: Final = "ecr-public:GetAuthorizationToken and sts:GetServiceBearerToken"
_PRIVATE_RIGHTS: Final = "ecr:GetAuthorizationToken"


class _Authorization(msgspec.Struct):
    token: str = msgspec.field(name="authorizationToken")
    ends_at: float = msgspec.field(name="expiresAt")


class _Answer(msgspec.Struct):
    """Private registries give a list, as if there could be several; the public one does not."""

    data: list[_Authorization] | _Authorization = msgspec.field(name="authorizationData")


class _Error(msgspec.Struct):
    kind: str = msgspec.field(name="__type", default="")


class Aws:
    """Logins of the role that this pod or machine has."""

    def __init__(
        self,
        caller: Caller,
        environment: Mapping[str, str],
        *,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._caller = caller
        self._environment = environment
        self._keys = AwsKeys(caller, environment)
        self._clock = clock

    def key_of(self, host: str) -> str:
        """Return the region: a login is good for all its registries."""
        place = ecr_place(host)
        return f"{place.region} {place.is_public} {place.is_fips}"

    def log_in(self, host: str) -> Grant:
        """Ask ECR for a login.

        Raises:
            CloudProblem: no access key was found, or ECR does not take it.
        """
        place = ecr_place(host)
        now = self._clock()
        answer = self._caller.send(self._call(place, now))
        if answer.status != _OK:
            raise _problem(answer, place)
        data = read_json(answer, _Answer, _WHO).data
        first = (data[0] if data else None) if isinstance(data, list) else data
        login = _login(first.token) if first is not None else None
        if first is None or login is None:
            raise CloudProblem(f"{_WHO} answered with no login")
        return Grant.lasting(login, first.ends_at - now)

    def _call(self, place: EcrPlace, now: float) -> Call:
        body = b"{}"
        service = "ecr-public" if place.is_public else "ecr"
        name = f"{service}-fips" if place.is_fips else f"api.{service}"
        variable = service.upper().replace("-", "_")
        usual = f"https://{name}.{place.region}.{place.domain}"
        url = f"{endpoint(variable, self._environment, usual)}/"
        headers = {
            "Content-Type": _JSON,
            "X-Amz-Target": _PUBLIC_TARGET if place.is_public else _PRIVATE_TARGET,
        }
        keys = self._keys.find(region=place.region, domain=place.domain)
        scope = Scope(place.region, service, datetime.fromtimestamp(now, UTC))
        signed = signed_headers(url, headers, body, keys=keys, scope=scope)
        return Call(_WHO, url, signed, body, "POST")


def _login(token: str) -> Login | None:
    try:
        user, colon, password = base64.b64decode(token, validate=True).decode().partition(":")
    except (binascii.Error, ValueError):
        return None
    return Login(user, Secret(password)) if colon and user else None


def _problem(answer: Response, place: EcrPlace) -> CloudProblem:
    """Return what an error of ECR means; its message is not quoted."""
    try:
        kind = msgspec.json.decode(answer.body, type=_Error).kind.rpartition("#")[2]
    except (msgspec.DecodeError, UnicodeError, RecursionError):
        kind = ""
    code = kind if _CODE.fullmatch(kind) else ""
    if code == "AccessDeniedException":
        rights = _PUBLIC_RIGHTS if place.is_public else _PRIVATE_RIGHTS
        message = f"the role may not {rights}: permit it in the role's policy"
        return CloudProblem(message)
    if code in _NO_KEY:
        message = (
            f"{_WHO} does not take the access key ({code}): it is wrong, over, or our clock is"
        )
        return CloudProblem(message)
    may_pass = code == "ThrottlingException"
    problem = unexpected(answer, _WHO, code)
    return CloudProblem(str(problem), may_pass=may_pass or problem.may_pass)
