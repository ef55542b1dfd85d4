from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from lab.authority import Authority
from tests.adapters.registry.cloud.clouds import CloudWorld
from tests.simulators.names import Names


@pytest.fixture
def world(
    tmp_path: Path, authority: Authority, monkeypatch: pytest.MonkeyPatch
) -> Iterator[CloudWorld]:
    """A cloud without servers, in which nothing but loopback can be reached."""
    for name in ("HTTPS_PROXY", "https_proxy", "HTTP_PROXY", "http_proxy"):
        monkeypatch.delenv(name, raising=False)
    names = Names()
    names.install(monkeypatch)
    with ExitStack() as stack:
        yield CloudWorld(tmp_path, authority, names, stack)
