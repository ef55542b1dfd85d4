"""Who a process is, and whether another one has ended."""

import os
import subprocess
import sys

import pytest

from reconciler.identity import is_gone, own_identity

PRINT = "from reconciler.identity import own_identity; print(own_identity(), flush=True); input()"


def test_a_process_is_there_until_it_ends_and_its_number_may_be_given_anew() -> None:
    child = subprocess.Popen(
        [sys.executable, "-c", PRINT], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert child.stdout is not None
    identity = child.stdout.readline().strip()
    before = is_gone(identity, is_pod=False)
    child.communicate("\n")

    assert (before, is_gone(identity, is_pod=False)) == (False, True)
    host, process, scope = own_identity().split("/")
    reused = f"{host}/{process.partition('.')[0]}.1/{scope}"
    assert process.startswith(f"{os.getpid()}.")
    assert not is_gone(own_identity(), is_pod=True)
    assert is_gone(reused, is_pod=False)


def test_a_process_of_elsewhere_may_be_there_still_but_not_one_of_our_own_pod() -> None:
    host, process, _ = own_identity().split("/")

    assert not is_gone(f"other/{process}/00000000", is_pod=True)
    assert not is_gone(f"{host}/{process}/00000000", is_pod=False)
    assert is_gone(f"{host}/{process}/00000000", is_pod=True)


@pytest.mark.parametrize("identity", ["", "x", "a/b", "a/b/c/d", "reconcile-7f"])
def test_who_has_another_kind_of_name_may_be_there(identity: str) -> None:
    assert not is_gone(identity, is_pod=True)
