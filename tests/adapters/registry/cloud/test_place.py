import pytest

from reconciler.adapters.registry.cloud.place import EcrPlace, cloud_of, ecr_place


@pytest.mark.parametrize(
    ("host", "cloud"),
    [
        ("123456789012.dkr.ecr.eu-west-1.amazonaws.com", "aws"),
        ("123456789012.dkr.ecr.us-gov-west-1.amazonaws.com", "aws"),
        ("123456789012.dkr.ecr.cn-north-1.amazonaws.com.cn", "aws"),
        ("123456789012.dkr.ecr-fips.us-east-1.amazonaws.com", "aws"),
        ("123456789012.dkr-ecr.eu-west-1.on.aws", "aws"),
        ("public.ecr.aws", "aws"),
        ("europe-west4-docker.pkg.dev", "gcp"),
        ("us-docker.pkg.dev", "gcp"),
        ("gcr.io", "gcp"),
        ("EU.gcr.io", "gcp"),
        ("contoso.azurecr.io", "azure"),
        ("contoso-a1b2c3.azurecr.io", "azure"),
        ("contoso.azurecr.cn", "azure"),
    ],
)
def test_a_registry_of_a_cloud_is_known_by_its_name(host: str, cloud: str) -> None:
    assert cloud_of(host) == cloud


@pytest.mark.parametrize(
    "host",
    [
        "docker.io",
        "ghcr.io",
        "123456789012.dkr.ecr.eu-west-1.amazonaws.com.evil.example",
        "evil.example.123456789012.dkr.ecr.eu-west-1.amazonaws.com",
        "12345.dkr.ecr.eu-west-1.amazonaws.com",
        "123456789012.dkr.ecr.eu-west-1.attacker.amazonaws.com",
        "123456789012.dkr.ecr.eu-west-1.amazonaws.com:444",
        "gcr.io.evil.example",
        "notgcr.io",
        "a.b.gcr.io",
        "docker.pkg.dev.evil.example",
        "evil.azurecr.io.evil.example",
        "a.contoso.azurecr.io",
        "contoso.azurecr.io:443",
        "contosoazurecr.io",
        "gcr.io\n",
    ],
)
def test_what_only_looks_like_a_registry_of_a_cloud_is_none(host: str) -> None:
    assert cloud_of(host) == ""


def test_the_region_of_a_registry_of_ecr_is_read_from_its_name() -> None:
    assert ecr_place("1" * 12 + ".dkr.ecr.eu-west-1.amazonaws.com") == EcrPlace("eu-west-1")
    assert ecr_place("1" * 12 + ".dkr.ecr-fips.us-east-1.amazonaws.com").is_fips
    assert ecr_place("1" * 12 + ".dkr.ecr.cn-north-1.amazonaws.com.cn").domain == "amazonaws.com.cn"
    assert ecr_place("public.ecr.aws") == EcrPlace("us-east-1", is_public=True)
    with pytest.raises(ValueError, match=r"gcr\.io"):
        ecr_place("gcr.io")
