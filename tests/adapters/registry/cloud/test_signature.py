"""Signatures for AWS, beside those that botocore 1.44.8 makes of the same request."""

from datetime import UTC, datetime

import pytest

from reconciler.adapters.registry.cloud.signature import Keys, Scope, signed_headers
from reconciler.core.redaction import Secret

SECRET = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"  # of AWS's own examples


@pytest.mark.parametrize(
    ("token", "names", "signature"),
    [
        pytest.param(
            None,
            "content-type;host;x-amz-date;x-amz-target",
            "67301a415aeef921edbc6c19d2c79ca2b28c8e6ab03ca055cc53e25990664cb7",
            id="a key",
        ),
        pytest.param(
            "session/token==",
            "content-type;host;x-amz-date;x-amz-security-token;x-amz-target",
            "281565b0d9d4480024699053f70c91d70a795d4df99abea516d01facef945416",
            id="a key for a while",
        ),
    ],
)
def test_a_request_is_signed_as_by_amazons_own_library(
    token: str | None, names: str, signature: str
) -> None:
    keys = Keys("AKIDEXAMPLE", Secret(SECRET), Secret(token) if token else None)
    scope = Scope("eu-west-1", "ecr", datetime(2026, 11, 25, 7, 2, 26, tzinfo=UTC))

    headers = signed_headers(
        "https://api.ecr.eu-west-1.amazonaws.com/",
        {
            "Content-Type": "application/x-amz-json-1.1",
            "X-Amz-Target": "AmazonEC2ContainerRegistry_V20150921.GetAuthorizationToken",
        },
        b"{}",
        keys=keys,
        scope=scope,
    )

    assert headers["X-Amz-Date"] == "20261125T070226Z"
    assert headers.get("X-Amz-Security-Token") == token
    assert headers["Authorization"] == (
        "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20261125/eu-west-1/ecr/aws4_request, "
        f"SignedHeaders={names}, Signature={signature}"
    )


def test_an_access_key_does_not_tell_itself() -> None:
    assert SECRET not in repr(Keys("AKIDEXAMPLE", Secret(SECRET), Secret(SECRET)))
