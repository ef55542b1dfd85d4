from pathlib import Path

import pytest

from reconciler.adapters.cluster.own import keys_of_ours
from reconciler.core.described import read_file
from reconciler.core.objects.desired import DesiredObject

MANIFESTS = Path(__file__).parents[3] / "manifests"
WIDE = {"ClusterRole", "ClusterRoleBinding", "Namespace"}
OWN = {"Deployment", "Role", "RoleBinding", "ServiceAccount"}


def test_what_our_manifests_run_us_from_is_ours(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "namespace").write_text("reconcile")
    monkeypatch.setattr("reconciler.adapters.cluster.own.SERVICE_ACCOUNT", tmp_path / "namespace")
    monkeypatch.setenv("HOSTNAME", "reconcile-5d4f8-x2x")
    found = (
        each for path in MANIFESTS.glob("*/*.yaml") for each in read_file("", path.read_text())
    )
    shipped = [each.key for each in found if isinstance(each, DesiredObject)]

    needed = {key for key in shipped if key.kind in WIDE and key.name.startswith("reconcile")}
    needed |= {key for key in shipped if key.kind in OWN and key.namespace == "reconcile"}

    assert len(needed) > 10
    assert needed <= keys_of_ours("reconcile")
