"""A board with something on it, and somebody who looks at it with a token."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from reconciler.settings import PageSettings
from tests.interfaces.exhibition import Exhibition, exhibition
from tests.interfaces.looking import TOKEN, Looking


@pytest.fixture
def shown() -> Exhibition:
    return exhibition()


@pytest.fixture
def looking(tmp_path: Path, shown: Exhibition) -> Iterator[Looking]:
    file = tmp_path / "token"
    file.write_text(f"{TOKEN}\n")
    looking = Looking(shown.board, PageSettings(token_file=file))
    with looking.service.serving():
        yield looking
