"""Where this pod or machine has its AWS access key from: the first of AWS's usual places.

AWS SDKs and Tools Reference Guide, "Standardized credential providers": the environment, a web
identity (IAM roles for service accounts), a container's (EKS Pod Identity, ECS), an instance's.
"""

import ipaddress
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Final
from urllib.parse import urlencode, urlsplit

import msgspec

from reconciler.adapters.registry.cloud.caller import (
    Call,
    Caller,
    checked_url,
    read_json,
    unexpected,
)
from reconciler.adapters.registry.cloud.files import read_token_file
from reconciler.adapters.registry.cloud.grant import CloudProblem
from reconciler.adapters.registry.cloud.signature import Keys
from reconciler.adapters.registry.request import FORM
from reconciler.adapters.registry.transport import Response
from reconciler.core.redaction import Secret

ECS_HOST: Final = "http://169.254.170.2"
IMDS: Final = "http://169.254.169.254"
IMDS_VARIABLE: Final = "AWS_EC2_METADATA_SERVICE_ENDPOINT"
NEAR_HOSTS: Final = frozenset({"169.254.170.2", "169.254.170.23", "fd00:ec2::23"})
"""Where plain HTTP is served to containers (AWS SDKs, "Container credential provider")."""

_STS: Final = "AWS STS"
_CONTAINER: Final = "the container credentials of AWS"
_INSTANCE: Final = "the metadata server of AWS"
_SESSION: Final = "reconcile"
_OK: Final = 200
_NOTHING: Final = "no AWS identity: give the pod's ServiceAccount a role (EKS Pod Identity or IRSA)"
_XML: Final = re.compile(r"<(AccessKeyId|SecretAccessKey|SessionToken|Code)>([^<>]{1,8192})</")
_TICKET_TEXT: Final = re.compile(r"[!-~]+")  # fit for a header
_CODE: Final = re.compile(r"[A-Za-z.]{1,80}")


class _Served(msgspec.Struct):
    """What containers and instances are served."""

    key: str = msgspec.field(name="AccessKeyId")
    secret: str = msgspec.field(name="SecretAccessKey")
    token: str = msgspec.field(name="Token")


class AwsKeys:
    """Finds the access key anew each time: the roles' change while we run."""

    def __init__(self, caller: Caller, environment: Mapping[str, str]) -> None:
        self._caller = caller
        self._environment = environment

    def find(self, *, region: str, domain: str) -> Keys:
        """Return the access key of this pod or machine.

        Args:
            region: of the registry, for STS where no other is named.
            domain: of AWS in that part of the world.

        Raises:
            CloudProblem: there is none; says which step failed.
        """
        return (
            self._of_environment()
            or self._of_web_identity(region, domain)
            or self._of_container()
            or self._of_instance()
        )

    def _of_environment(self) -> Keys | None:
        key = self._environment.get("AWS_ACCESS_KEY_ID")
        secret = self._environment.get("AWS_SECRET_ACCESS_KEY")
        token = self._environment.get("AWS_SESSION_TOKEN")
        return (
            Keys(key, Secret(secret), Secret(token) if token else None) if key and secret else None
        )

    def _of_web_identity(self, region: str, domain: str) -> Keys | None:
        """Let STS take the pod's ServiceAccount token for a role's access key."""
        path = self._environment.get("AWS_WEB_IDENTITY_TOKEN_FILE")
        role = self._environment.get("AWS_ROLE_ARN")
        if not (path and role):
            return None
        form = {
            "Action": "AssumeRoleWithWebIdentity",
            "Version": "2011-06-15",
            "RoleArn": role,
            "RoleSessionName": self._environment.get("AWS_ROLE_SESSION_NAME") or _SESSION,
            "WebIdentityToken": read_token_file(Path(path), "AWS_WEB_IDENTITY_TOKEN_FILE").reveal(),
        }
        own = self._environment.get("AWS_REGION") or self._environment.get("AWS_DEFAULT_REGION")
        usual = f"https://sts.{own or region}.{domain}"
        url = f"{endpoint('STS', self._environment, usual)}/"
        answer = self._caller.send(
            Call(_STS, url, FORM, urlencode(form, errors="replace").encode(), "POST")
        )
        found = dict(_XML.findall(answer.body.decode(errors="replace")))
        if answer.status != _OK:
            raise _sts_problem(answer, found.get("Code", ""), role)
        try:
            key, secret, token = (found[name] for name in _OF_STS)
        except KeyError:
            raise CloudProblem(f"{_STS} answered with no access key") from None
        return Keys(key, Secret(secret), Secret(token))

    def _of_container(self) -> Keys | None:
        url = self._environment.get("AWS_CONTAINER_CREDENTIALS_FULL_URI", "")
        if relative := self._environment.get("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI"):
            url = ECS_HOST + relative
        if not url:
            return None
        if not _is_container_url(url):
            message = "AWS_CONTAINER_CREDENTIALS_FULL_URI is neither https nor one of AWS's own"
            raise CloudProblem(message)
        headers: dict[str, str] = {}
        if path := self._environment.get("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE"):
            variable = "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE"
            headers["Authorization"] = read_token_file(Path(path), variable).reveal()
        answer = self._caller.send(Call(_CONTAINER, url, headers, is_near=True))
        if answer.status != _OK:
            raise unexpected(answer, _CONTAINER)
        return _served(answer, _CONTAINER)

    def _of_instance(self) -> Keys:
        """Return those of the instance's role, by the second version of the metadata service."""
        if self._environment.get("AWS_EC2_METADATA_DISABLED", "").lower() == "true":
            raise CloudProblem(_NOTHING)
        base = checked_url(self._environment.get(IMDS_VARIABLE) or IMDS, IMDS_VARIABLE)
        try:
            ticket = self._instance(f"{base}/latest/api/token", _TICKET, method="PUT")
        except CloudProblem as problem:
            raise CloudProblem(f"{_NOTHING}, or this machine one ({problem})") from problem
        found = ticket.body.decode(errors="replace").strip()
        if not _TICKET_TEXT.fullmatch(found):
            raise CloudProblem(f"{_INSTANCE} gives no ticket")
        headers = {"X-aws-ec2-metadata-token": found}
        roles = f"{base}/latest/meta-data/iam/security-credentials/"
        role = self._instance(roles, headers).body.decode(errors="replace").split("\n")[0].strip()
        if not re.fullmatch(r"[\w+=,.@-]{1,128}", role):
            raise CloudProblem(f"{_INSTANCE} knows no role of this machine")
        return _served(self._instance(f"{roles}{role}", headers), _INSTANCE)

    def _instance(self, url: str, headers: Mapping[str, str], *, method: str = "GET") -> Response:
        answer = self._caller.send(Call(_INSTANCE, url, headers, method=method, is_near=True))
        if answer.status != _OK:
            raise unexpected(answer, _INSTANCE)
        return answer


_OF_STS: Final = ("AccessKeyId", "SecretAccessKey", "SessionToken")
_TICKET: Final = {"X-aws-ec2-metadata-token-ttl-seconds": "60"}


def endpoint(service: str, environment: Mapping[str, str], usual: str) -> str:
    """Return the base URL of a service, as AWS's own tools read it from the environment.

    AWS SDKs and Tools Reference Guide, "Service-specific endpoints".

    Raises:
        CloudProblem: what the environment says is no URL.
    """
    for variable in (f"AWS_ENDPOINT_URL_{service}", "AWS_ENDPOINT_URL"):
        if own := environment.get(variable):
            return checked_url(own, variable)
    return usual


def _served(answer: Response, who: str) -> Keys:
    served = read_json(answer, _Served, who)
    return Keys(served.key, Secret(served.secret), Secret(served.token))


def _sts_problem(answer: Response, code: str, role: str) -> CloudProblem:
    known = code if _CODE.fullmatch(code) else ""
    if code in ("AccessDenied", "InvalidIdentityToken", "ExpiredTokenException"):
        return CloudProblem(
            f"{_STS} refused the role {role[:200]!r} to the pod's token ({known}): its trust policy"
            " must name this cluster's OIDC provider and this ServiceAccount"
        )
    return unexpected(answer, _STS, known)


def _is_container_url(url: str) -> bool:
    """Whether an access key may be asked for there."""
    try:
        parts = urlsplit(url)
        host = parts.hostname or ""
        if parts.scheme == "https" or host in NEAR_HOSTS:
            return bool(host)
        return parts.scheme == "http" and ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
