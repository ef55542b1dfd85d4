import base64
import hashlib

from reconciler.core.objects.applyset import applyset_id, is_our_tooling, tooling
from reconciler.release import VERSION


def test_the_id_is_that_of_the_kep() -> None:
    digest = hashlib.sha256(b"reconcile-default.flux.ConfigMap.").digest()
    expected = base64.urlsafe_b64encode(digest).decode()[:43]

    assert applyset_id(name="reconcile-default", namespace="flux") == f"applyset-{expected}-v1"


def test_the_id_fits_a_label() -> None:
    assert len(applyset_id(name="a" * 253, namespace="b" * 63)) <= 63


def test_every_release_of_ours_is_ours() -> None:
    assert tooling() == f"reconcile/{VERSION}"
    assert is_our_tooling(tooling())
    assert is_our_tooling("reconcile/99.0.0")
    assert not is_our_tooling("kubectl/v1.35")
    assert not is_our_tooling("reconcile")
