"""Which registry hosts belong to which cloud, by their names alone."""

import re
from dataclasses import dataclass
from typing import Final

AWS: Final = "aws"
GCP: Final = "gcp"
AZURE: Final = "azure"

_ECR: Final = re.compile(
    r"[0-9]{12}\.dkr[.-]ecr(?P<fips>-fips)?\.(?P<region>[a-z]{2,4}(?:-[a-z]{2,12}){1,3}-[0-9]{1,2})"
    r"\.(?:amazonaws\.com(?:\.cn)?|on\.aws|on\.amazonwebservices\.com\.cn)"
)
"""The hosts of private repositories, also with IPv6 and by FIPS 140 endpoints."""

_ECR_PUBLIC: Final = "public.ecr.aws"
_GOOGLE: Final = re.compile(r"(?:[a-z0-9-]+\.)?gcr\.io|[a-z0-9-]+-docker\.pkg\.dev")
_ACR: Final = re.compile(r"[a-z0-9]{5,50}(?:-[a-z0-9]+)?\.azurecr\.(?:io|cn|us)")


@dataclass(frozen=True, slots=True)
class EcrPlace:
    """Where ECR sells logins for a registry.

    Attributes:
        region: of the registry; public repositories have their logins from one region.
        is_public: whether it is ``public.ecr.aws``.
        is_fips: whether the host is one for FIPS 140.
    """

    region: str
    is_public: bool = False
    is_fips: bool = False

    @property
    def domain(self) -> str:
        """The domain of AWS in that part of the world."""
        return "amazonaws.com.cn" if self.region.startswith("cn-") else "amazonaws.com"


def cloud_of(host: str) -> str:
    """Return the cloud whose registry a host is; empty if none.

    With a port it is none: these registries have no other than TLS's own.
    """
    name = host.lower()
    if name == _ECR_PUBLIC or _ECR.fullmatch(name):
        return AWS
    if _GOOGLE.fullmatch(name):
        return GCP
    return AZURE if _ACR.fullmatch(name) else ""


def ecr_place(host: str) -> EcrPlace:
    """Return where a login for a host of ECR is sold.

    Raises:
        ValueError: it is no host of ECR.
    """
    if host.lower() == _ECR_PUBLIC:
        return EcrPlace("us-east-1", is_public=True)
    found = _ECR.fullmatch(host.lower())
    if found is None:
        raise ValueError(host)
    return EcrPlace(found["region"], is_fips=found["fips"] is not None)
