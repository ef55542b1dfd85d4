"""Google Cloud: Artifact Registry and Container Registry, by the metadata server's tokens.

Google Cloud, "Configure authentication to Artifact Registry for Docker": the user name
``oauth2accesstoken`` with an access token as password. "About VM metadata": the token of the
service account is at ``/computeMetadata/v1/instance/service-accounts/default/token``, asked for
with ``Metadata-Flavor: Google``; in GKE with Workload Identity it is that of the pod's account.
"""

from collections.abc import Mapping
from typing import Final

import msgspec

from reconciler.adapters.registry.cloud.caller import Call, Caller, read_json, unexpected
from reconciler.adapters.registry.cloud.grant import CloudProblem, Grant
from reconciler.adapters.registry.login import Login
from reconciler.core.redaction import Secret

USER: Final = "oauth2accesstoken"
HOST: Final = "metadata.google.internal"
HOST_VARIABLE: Final = "GCE_METADATA_HOST"
"""Google's own libraries read it, too."""

_PATH: Final = "/computeMetadata/v1/instance/service-accounts/default/token"
_FLAVOR: Final = {"Metadata-Flavor": "Google"}
_WHO: Final = "the metadata server of Google Cloud"
_OK: Final = 200
_MISSING: Final = 404


class _Token(msgspec.Struct):
    access_token: str
    expires_in: float


class Google:
    """Logins of the service account that this machine or pod runs as."""

    def __init__(self, caller: Caller, environment: Mapping[str, str]) -> None:
        self._caller = caller
        self._host = environment.get(HOST_VARIABLE) or HOST

    def key_of(self, host: str) -> str:
        """Return the same for all hosts: the token is the account's."""
        del host
        return ""

    def log_in(self, host: str) -> Grant:
        """Ask for the service account's access token.

        Raises:
            CloudProblem: there is none.
        """
        del host
        call = Call(_WHO, f"http://{self._host}{_PATH}", _FLAVOR, is_near=True)
        answer = self._caller.send(call)
        if answer.headers.get("Metadata-Flavor") != _FLAVOR["Metadata-Flavor"]:
            raise CloudProblem(f"{self._host} is no metadata server of Google Cloud")
        if answer.status == _MISSING:
            message = f"{_WHO} knows no service account: give this machine or pod one"
            raise CloudProblem(message)
        if answer.status != _OK:
            raise unexpected(answer, _WHO)
        token = read_json(answer, _Token, _WHO)
        return Grant.lasting(Login(USER, Secret(token.access_token)), token.expires_in)
