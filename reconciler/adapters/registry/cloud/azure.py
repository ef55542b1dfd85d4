"""Azure: Container Registry, by the pod's workload identity or the machine's managed identity.

An access token of Microsoft Entra ID is exchanged at the registry for a refresh token of its own,
which docker calls an identity token (Azure/acr, "AAD-OAuth", ``POST /oauth2/exchange``). Its scope
is the registry's own audience: that of Azure Resource Manager is refused where
``authentication-as-arm`` is off.
"""

import base64
import binascii
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final
from urllib.parse import quote, urlencode

import msgspec

from reconciler.adapters.registry.cloud.caller import (
    Call,
    Caller,
    checked_url,
    read_json,
    unexpected,
)
from reconciler.adapters.registry.cloud.files import read_token_file
from reconciler.adapters.registry.cloud.grant import CloudProblem, Grant
from reconciler.adapters.registry.login import Login
from reconciler.adapters.registry.request import FORM
from reconciler.adapters.registry.transport import Response
from reconciler.core.redaction import Secret

USER: Final = "00000000-0000-0000-0000-000000000000"
AUDIENCE: Final = "https://containerregistry.azure.net"
AUTHORITY: Final = "https://login.microsoftonline.com/"
IMDS: Final = "http://169.254.169.254"
IMDS_VARIABLE: Final = "AZURE_POD_IDENTITY_AUTHORITY_HOST"
"""Microsoft's own libraries read it, too."""

UNTOLD_LIFE_S: Final = 3600.0
"""How long a refresh token is used that does not tell its end; they live three hours."""

_ENTRA: Final = "Microsoft Entra ID"
_IMDS_WHO: Final = "the metadata server of Azure"
_OK: Final = 200
_BAD_REQUEST: Final = 400
_REFUSED: Final = frozenset({401, 403})
_JWT_PARTS: Final = 3


class _Token(msgspec.Struct):
    access_token: str


class _Refresh(msgspec.Struct):
    refresh_token: str


class _EntraError(msgspec.Struct):
    error: str = ""
    error_codes: tuple[int, ...] = ()


class _Claims(msgspec.Struct):
    exp: float


class Azure:
    """Logins of the identity that this pod or machine has."""

    def __init__(
        self,
        caller: Caller,
        environment: Mapping[str, str],
        *,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._caller = caller
        self._environment = environment
        self._clock = clock

    def key_of(self, host: str) -> str:
        """Return the host itself: each registry has refresh tokens of its own."""
        return host.lower()

    def log_in(self, host: str) -> Grant:
        """Ask for an access token, and exchange it at the registry.

        Raises:
            CloudProblem: there is none, or the registry does not take it.
        """
        token = self._workload_token() or self._managed_token()
        form = {"grant_type": "access_token", "service": host, "access_token": token.reveal()}
        who = f"the registry {host}"
        url = f"https://{host}/oauth2/exchange"
        answer = self._caller.send(
            Call(who, url, FORM, urlencode(form, errors="replace").encode(), "POST")
        )
        if answer.status in _REFUSED:
            message = f"{who} does not take our identity: give it the role AcrPull there"
            raise CloudProblem(message)
        if answer.status != _OK:
            raise unexpected(answer, who)
        refresh = read_json(answer, _Refresh, who).refresh_token
        login = Login(USER, Secret(refresh), is_identity_token=True)
        end = _end_of(refresh)
        return Grant.lasting(login, end - self._clock() if end else UNTOLD_LIFE_S)

    def _workload_token(self) -> Secret | None:
        """Return the token that the pod's ServiceAccount token buys; None if it has none.

        Microsoft identity platform, "Access token request with a federated credential".
        """
        path = self._environment.get("AZURE_FEDERATED_TOKEN_FILE")
        tenant = self._environment.get("AZURE_TENANT_ID")
        client = self._environment.get("AZURE_CLIENT_ID")
        if not (path and tenant and client):
            return None
        form = {
            "client_id": client,
            "scope": f"{AUDIENCE}/.default",
            "grant_type": "client_credentials",
            "client_assertion_type": "urn:ietf:params:oauth:client-assertion-type:jwt-bearer",
            "client_assertion": read_token_file(Path(path), "AZURE_FEDERATED_TOKEN_FILE").reveal(),
        }
        url = f"{self._authority()}/{quote(tenant, safe='', errors='replace')}/oauth2/v2.0/token"
        answer = self._caller.send(
            Call(_ENTRA, url, FORM, urlencode(form, errors="replace").encode(), "POST")
        )
        if answer.status != _OK:
            raise _entra_problem(answer, client)
        return Secret(read_json(answer, _Token, _ENTRA).access_token)

    def _authority(self) -> str:
        """Return the base URL of the token service.

        Raises:
            CloudProblem: it is not https.
        """
        base = self._environment.get("AZURE_AUTHORITY_HOST") or AUTHORITY
        if not base.lower().startswith("https://"):
            raise CloudProblem("AZURE_AUTHORITY_HOST is no https URL")
        return checked_url(base, "AZURE_AUTHORITY_HOST")

    def _managed_token(self) -> Secret:
        """Return the token of the machine's identity, or of the one that AZURE_CLIENT_ID names.

        Azure, "How to use managed identities to acquire an access token", by HTTP.
        """
        query = {"api-version": "2018-02-01", "resource": AUDIENCE}
        if client := self._environment.get("AZURE_CLIENT_ID"):
            query["client_id"] = client
        base = checked_url(self._environment.get(IMDS_VARIABLE) or IMDS, IMDS_VARIABLE)
        url = f"{base}/metadata/identity/oauth2/token?{urlencode(query, errors='replace')}"
        answer = self._caller.send(Call(_IMDS_WHO, url, {"Metadata": "true"}, is_near=True))
        if answer.status == _BAD_REQUEST:
            message = f"{_IMDS_WHO} knows no such identity: give this machine or pod one"
            raise CloudProblem(message)
        if answer.status != _OK:
            raise unexpected(answer, _IMDS_WHO)
        return Secret(read_json(answer, _Token, _IMDS_WHO).access_token)


def _entra_problem(answer: Response, client: str) -> CloudProblem:
    """Return what an error of Entra ID means; its description is not quoted."""
    try:
        error = msgspec.json.decode(answer.body, type=_EntraError)
    except (msgspec.DecodeError, UnicodeError, RecursionError):
        error = _EntraError()
    codes = " ".join(f"AADSTS{code}" for code in error.error_codes[:3])
    if answer.status in (_BAD_REQUEST, 401):
        return CloudProblem(
            f"{_ENTRA} does not take the pod's token for the client {client[:80]!r}"
            f"{f' ({codes})' if codes else ''}: its federated credential must name this cluster's"
            " issuer and this ServiceAccount"
        )
    return unexpected(answer, _ENTRA, codes)


def _end_of(token: str) -> float:
    """Return when a JSON Web Token ends, seconds since 1970; 0 if it does not say.

    It is not ours to check: the registry will.
    """
    parts = token.split(".")
    if len(parts) != _JWT_PARTS:
        return 0.0
    try:
        claims = base64.urlsafe_b64decode(parts[1] + "=" * (-len(parts[1]) % 4))
        return msgspec.json.decode(claims, type=_Claims).exp
    except (binascii.Error, ValueError, msgspec.DecodeError, RecursionError):
        return 0.0
