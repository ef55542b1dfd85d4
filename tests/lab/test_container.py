from pathlib import Path

import pytest

from lab import container
from lab.container import Container, Image, Mount, build_image
from lab.process import LabError, MissingPartError


def test_without_the_programs_it_says_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(container, "_PATH", str(tmp_path))

    with pytest.raises(
        MissingPartError, match=r"debootstrap is missing: apt-get install .*buildah"
    ):
        build_image()


def test_nothing_is_mounted_through_a_link_of_the_image(tmp_path: Path) -> None:
    (tmp_path / "run").mkdir()
    (tmp_path / "var").mkdir()
    (tmp_path / "var" / "run").symlink_to("/run")
    mount = Mount(tmp_path, "/var/run/secrets")

    with pytest.raises(LabError, match="/var/run is a symbolic link in the image"):
        Container(Image("none"), tmp_path).run(entrypoint=["true"], mounts=[mount])
