"""What the program takes of a machine while it runs and there is nothing to do."""

import secrets
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from bench import manifests
from bench.child import clean_environment
from bench.cost import Cost, Sample, memory_mib
from bench.idle import Idler
from bench.place import Place
from bench.remote import remote_of
from bench.stand_in import stand_in
from lab.ports import free_port

INTERVAL_S: Final = 300
"""Between two cycles, as the settings have it by default."""

IMAGES: Final = 100


def footprint(place: Place) -> Iterator[Sample]:
    """Standing by with images and objects, and all that runs by default and by request.

    Processor time is that of one cycle and of the rest of the interval, by a part of it.
    """
    size, namespace = place.size, place.fresh_name("footprint")
    place.plane.kubectl("create", "namespace", namespace)
    with stand_in(tags=size.few) as registry, tempfile.TemporaryDirectory(dir=place.folder) as name:
        folder = Path(name)
        texts = manifests.objects(size.objects - IMAGES, namespace=namespace) | {
            f"images/page-{number:05d}.yaml": manifests.deployment(
                number, tag=f"1.0.{size.few - 1}", host=registry.host, namespace=namespace
            ).replace(f"name: page-{number:05d}", f"name: image-{number:05d}")
            for number in range(IMAGES)
        }
        remote = remote_of(folder, texts)
        secret = folder / "secret"
        secret.write_text(secrets.token_hex(16))
        flags = {
            "--git-url": f"file://{remote.path}",
            "--kubeconfig": str(place.plane.kubeconfig),
            "--namespace": f"{namespace}-state",
            "--data-dir": str(folder / "data"),
            "--interval": f"{INTERVAL_S}s",
            "--listen": f"127.0.0.1:{free_port()}",
            "--webhook-secret-file": str(secret),
            "--page-token-file": str(secret),
        }
        words = [word for flag in flags.items() for word in flag]
        environment = {**clean_environment(), "RECONCILE_LOG_FORMAT": "json"}
        command = [sys.executable, "-m", "reconciler", "--no-wait", *words]
        with Idler(command, environment=environment) as idler:
            cost = _cost(idler, rest_s=size.rest_s)
    group = f"Standing by: {IMAGES} images, {size.objects:,} objects, a cycle each {INTERVAL_S} s"
    yield Sample(group, f"by {size.rest_s} s of rest and some cycles", cost)


def _cost(idler: Idler, *, rest_s: int) -> Cost:
    cycles = 3
    before = idler.cpu_s
    seconds = sum(idler.cycle() for _ in range(cycles)) / cycles
    cycle_s = (idler.cpu_s - before) / cycles
    before = idler.cpu_s
    time.sleep(rest_s)
    rest_share = (idler.cpu_s - before) / rest_s
    share = (cycle_s + rest_share * INTERVAL_S) / INTERVAL_S
    counts = {
        "MiB resident at rest": round(memory_mib("VmRSS", idler.pid)),
        "MiB of them its own part": round(idler.proportional_mib),
        "ten-thousandths of a core": round(share * 10_000),
    }
    return Cost(seconds, cycle_s, memory_mib("VmHWM", idler.pid), 0.0, counts)
