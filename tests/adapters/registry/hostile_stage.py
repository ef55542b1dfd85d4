"""Where hostile registries are played, and the tables of the reference that tell of them."""

import contextlib
import itertools
from pathlib import Path

from lab.authority import Authority, serving_context
from lab.ports import free_port
from reconciler.exit_codes import STALLED, TRANSIENT
from reconciler.settings import RegistrySettings
from tests.adapters.registry.hostile import Hostile
from tests.simulators.registry import RegistrySimulator, alerting_port, full_port, silent_port

REFERENCE = Path(__file__).parents[3] / "docs" / "reference" / "registries.md"
HEADING = "| a registry that | is reported by | tried again | exit code |"
QUICK = RegistrySettings(connect_timeout_s=1.5, read_timeout_s=1.5, answer_timeout_s=3)


def serve(
    hostile: Hostile,
    elsewhere: str,
    authority: Authority,
    folder: Path,
    stack: contextlib.ExitStack,
) -> tuple[str, RegistrySimulator]:
    """Start the hostile registry; return its host and port, and what takes notes."""
    context = None
    if hostile.server in ("tls", "untrusted", "expired", "misnamed"):
        signer = Authority(folder / "other") if hostile.server == "untrusted" else authority
        name = "other.test" if hostile.server == "misnamed" else "registry.test"
        is_expired = hostile.server == "expired"
        pem = signer.certificate(folder / "server.pem", name=name, is_expired=is_expired)
        context = serving_context(pem)
    simulator = stack.enter_context(
        RegistrySimulator(lambda request: hostile.answer(request, elsewhere), context=context)
    )
    match hostile.server:
        case "plain":
            host = simulator.host
        case "alert":
            host = f"registry.test:{stack.enter_context(alerting_port())}"
        case "silent":
            host = f"registry.test:{stack.enter_context(silent_port())}"
        case "full":
            host = f"127.0.0.1:{stack.enter_context(full_port())}"
        case "absent":
            host = f"127.0.0.1:{free_port()}"
        case "unknown":
            host = f"unknown.test:{simulator.port}"
        case _:
            host = f"registry.test:{simulator.port}"
    return host, simulator


def documented(number: int) -> list[str]:
    """Return the rows of one of the reference's tables, by their order there."""
    lines = REFERENCE.read_text().splitlines()
    begin = [index for index, line in enumerate(lines) if line == HEADING][number] + 2
    return list(itertools.takewhile(lambda line: line.startswith("| "), lines[begin:]))


def row_of(hostile: Hostile, **more: object) -> str:
    """Return how the reference tells of one."""
    said = hostile.said(RegistrySettings(), elsewhere="other.example", **more)
    code = TRANSIENT if hostile.kind == "RegistryError" else STALLED
    is_tried = "yes" if hostile.is_tried_again else ""
    return f"| {hostile.title} | {said.replace('|', '&#124;')} | {is_tried} | {code} |"
