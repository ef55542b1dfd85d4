"""One round of everything that is measured, work by work."""

import os
import shutil
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any, Final, TypeAlias

from bench import manifests
from bench.child import clean_environment, require, run_child
from bench.cost import Cost, Sample, cost_of_program
from bench.footprint import footprint
from bench.idle import cost_of_idling
from bench.latency import ways_of_tags
from bench.onlooker import Onlooker
from bench.place import Place
from bench.remote import commit_to, remote_of
from bench.size import Size
from bench.stand_in import stand_in
from bench.takeover import takeover
from lab.bare_repository import BareRemote
from lab.control_plane import ControlPlane
from lab.ports import free_port

PYTHON: Final = sys.executable


Contest: TypeAlias = Callable[[Place], Iterator[Sample]]


def start(place: Place) -> Iterator[Sample]:
    """Starting the program, to be told its version or its help."""
    program = str(Path(PYTHON).with_name("reconcile"))
    for _ in range(place.size.starts):
        for row, command in (
            ("python -c pass", [PYTHON, "-c", "pass"]),
            ("reconcile --version", [program, "--version"]),
            ("reconcile --help", [program, "--help"]),
        ):
            cost = cost_of_program(command, environment=clean_environment())
            yield Sample("Start", row, cost)


def scan(place: Place) -> Iterator[Sample]:
    """Asking a registry for tags."""
    size = place.size
    group = f"Scan of {size.repositories:,} repositories of {size.tags:,} tags"
    for row, has_tokens, delay_ms in (
        ("anonymous", False, 0),
        ("bearer", True, 0),
        (f"each answer after {size.delay_ms} ms", False, size.delay_ms),
        (f"bearer, each answer after {size.delay_ms} ms", True, size.delay_ms),
    ):
        with stand_in(tags=size.tags, has_tokens=has_tokens, delay_ms=delay_ms) as registry:
            costs = run_child(
                "scan", host=registry.host, repositories=size.repositories, tags=size.tags
            )
        yield Sample(group, row, costs["scan"].with_counts(registry.counts))
    with stand_in(tags=size.long_list) as registry:
        costs = run_child("scan", host=registry.host, repositories=1, tags=size.long_list)
    cost = costs["scan"].with_counts(registry.counts)
    yield Sample(f"Scan of one repository with {size.long_list:,} tags", "anonymous", cost)
    yield from _scan_many(size)
    yield from _scan_refused(size)


def _scan_many(size: Size) -> Iterator[Sample]:
    for count in size.many:
        with stand_in(tags=size.few) as registry:
            costs = run_child("scan", host=registry.host, repositories=count, tags=size.few)
        cost = costs["scan"].with_counts(registry.counts)
        yield Sample(f"Scan of repositories of {size.few} tags", f"{count:,} repositories", cost)


def _scan_refused(size: Size) -> Iterator[Sample]:
    """Scan a registry that wants time again and again, beside one that does not."""
    group = f"Scan of two registries, one of which wants 2 s after every {size.burst} lists"
    with (
        stand_in(tags=size.tags, burst=size.burst) as wants_time,
        stand_in(tags=size.tags) as quick,
    ):
        costs = run_child(
            "scan-two",
            hosts=[wants_time.host, quick.host],
            repositories=size.repositories,
            tags=size.tags,
        )
    early = wants_time.counts["early"]
    require(early == 0, f"{early} requests came before the time that the registry asked for")
    with stand_in(tags=size.tags) as alone:
        own = run_child("scan", host=alone.host, repositories=size.repositories, tags=size.tags)
    yield Sample(group, "the other one, alone", own["scan"].with_counts(alone.counts))
    yield Sample(group, "the other one", costs["quick"].with_counts(quick.counts))
    yield Sample(group, "both", costs["both"].with_counts(wants_time.counts))


def select(place: Place) -> Iterator[Sample]:
    """Choosing among tags."""
    group = f"Selection among {place.size.choice:,} tags by a constraint"
    yield from _samples(group, run_child("select", tags=place.size.choice))


def rewrite(place: Place) -> Iterator[Sample]:
    """Editing manifests in memory."""
    for count in place.size.manifests:
        group = f"Rewrite of {count:,} manifests of 40 lines, in memory"
        yield from _samples(group, run_child("rewrite", manifests=count))
    kib = place.size.document_kib
    for automated in ("one", "all"):
        cost = run_child("rewrite-one-file", kib=kib, automated=automated)["one edit"]
        row = f"{automated} of its documents automated"
        yield Sample(f"One edit in one file of {kib / 1024:g} MiB", row, cost)


def cycle(place: Place) -> Iterator[Sample]:
    """Whole cycles without a cluster: fetch, scan, plan, commit, push; the cold ones by file://."""
    for count in place.size.manifests:
        with stand_in(tags=3) as registry, tempfile.TemporaryDirectory(dir=place.folder) as folder:
            remote = remote_of(
                Path(folder), manifests.folder_of(count, host=registry.host, tag="1.0.1")
            )
            costs = run_child(
                "cycle", git_url=f"file://{remote.path}", folder=f"{folder}/data", manifests=count
            )
        yield from _samples(f"Cycle over {count:,} manifests, without a cluster", costs)
        yield from _cycle_warm(place, count)


def _cycle_warm(place: Place, count: int) -> Iterator[Sample]:
    repositories = place.size.shared
    with stand_in(tags=3) as registry, tempfile.TemporaryDirectory(dir=place.folder) as folder:
        texts = manifests.shared_folder_of(
            count, repositories=repositories, host=registry.host, tag="1.0.2"
        )
        remote = remote_of(Path(folder), texts)
        first, second = (
            (path, text.replace(":1.0.2\n", ":1.0.1\n")) for path, text in list(texts.items())[:2]
        )
        job = {"git_url": str(remote.path), "folder": f"{folder}/data"}
        costs = run_child("cycle-warm", **job, behind=first)
        for row, behind in (
            ("nothing new", None),
            ("one file changed, updated and pushed", second),
        ):
            costs[f"a fresh process: {row}"] = run_child("cycle-fresh", **job, behind=behind)[
                "cycle"
            ]
        shutil.rmtree(f"{folder}/data/readings")
        row = "a fresh process without what others have read: nothing new"
        costs[row] = run_child("cycle-fresh", **job, behind=None)["cycle"]
    group = f"Cycle over {count:,} known manifests with images of {repositories} repositories"
    yield from _samples(group, costs)


def sync(place: Place) -> Iterator[Sample]:
    """Applying objects, beside kubectl on the same API server."""
    size, plane = place.size, place.plane
    first = f"First sync of {size.objects:,} objects"
    again = f"Sync of {size.objects:,} objects, nothing changed"
    for validate in ("false", "true"):
        namespace = place.fresh_name("kubectl")
        texts = manifests.objects(size.objects, namespace=namespace)
        plane.kubectl("create", "namespace", namespace)
        file = place.folder / f"{namespace}.yaml"
        file.write_text("---\n".join(texts.values()))
        flags = "--validate=false" if validate == "false" else ""
        row = f"kubectl apply --server-side {flags}".strip()
        costs = [_kubectl_apply(plane, file, validate) for _ in (first, again)]
        counts = {"requests": _requests_of_kubectl(plane, file, validate)}
        for group, cost in zip((first, again), costs, strict=True):
            yield Sample(group, row, cost.with_counts(counts))
    yield from _sync_ours(place, first, again)


def _sync_ours(place: Place, first: str, again: str) -> Iterator[Sample]:
    with _synced(place, place.size.objects) as job:
        costs = run_child("sync", **job, cycles=["first", "second", "drifted"])
        yield Sample(first, "reconcile: a cycle", costs["first"])
        yield Sample(again, "reconcile: the second cycle of a process", costs["second"])
        yield Sample(again, "reconcile: one object changed by somebody", costs["drifted"])
        fresh = run_child("sync", **job, cycles=["fresh"])
        yield Sample(again, "reconcile: a fresh process, after imports", fresh["fresh"])
        whole = cost_of_program([*_reconcile(job), "--once"], environment=clean_environment())
        yield Sample(again, "reconcile --once: all of it", whole)
        idle = cost_of_idling(
            [*_reconcile(job), "--interval", "1h", "--listen", f"127.0.0.1:{free_port()}"],
            environment={**clean_environment(), "RECONCILE_LOG_FORMAT": "json"},
            cycles=place.size.cycles,
        )
        row = f"running on, one of {place.size.cycles} cycles"
        yield Sample(f"{place.size.objects:,} objects, nothing changes", row, idle)


def sync_many(place: Place) -> Iterator[Sample]:
    """A sync of many objects: none has changed, after the first one."""
    count = place.size.many_objects
    with _synced(place, count) as job:
        costs = run_child("sync", **job, cycles=["first", "second", "third"])
        group = f"Sync of {count:,} objects"
        yield Sample(group, "the first cycle", costs["first"])
        yield Sample(group, "the second cycle of the process, nothing changed", costs["second"])
        yield Sample(group, "the third cycle", costs["third"])
        fresh = run_child("sync", **job, cycles=["fresh"])
        yield Sample(group, "a fresh process, nothing changed", fresh["fresh"])


@contextmanager
def _synced(place: Place, count: int) -> Iterator[dict[str, Any]]:
    """Give what a child needs to sync objects of a remote to a new namespace, which goes again."""
    namespace = place.fresh_name("reconcile")
    place.plane.kubectl("create", "namespace", namespace)
    with tempfile.TemporaryDirectory(dir=place.folder) as folder:
        remote = remote_of(Path(folder), manifests.objects(count, namespace=namespace))
        yield {
            "git_url": str(remote.path),
            "folder": f"{folder}/data",
            "kubeconfig": str(place.plane.kubeconfig),
            "namespace": f"{namespace}-state",
            "objects": count,
        }
    for kind in ("configmaps", "deployments.apps"):  # else the next round lists more than this one
        place.plane.kubectl("-n", namespace, "delete", kind, "--all", "--wait=false")


def rollout(place: Place) -> Iterator[Sample]:
    """Rolling out Deployments on a cluster with controllers, until all are Current."""
    size, plane = place.size, place.busy_plane
    namespace = place.fresh_name("rollout")
    plane.kubectl("create", "namespace", namespace)
    group = f"Rollout of {size.rollout:,} Deployments"
    with tempfile.TemporaryDirectory(dir=place.folder) as folder:
        remote = BareRemote.create(Path(folder) / "shop.git")
        for row, tag in (("new ones", manifests.OLD), ("another image", manifests.NEWEST)):
            commit_to(
                remote,
                {
                    f"shop/page-{number:05d}.yaml": manifests.deployment(
                        number, tag=tag, namespace=namespace, is_automated=False
                    )
                    for number in range(size.rollout)
                },
            )
            with Onlooker(plane, namespace) as onlooker:
                cost = run_child(
                    "rollout",
                    git_url=str(remote.path),
                    folder=f"{folder}/data",
                    kubeconfig=str(plane.kubeconfig),
                    namespace=f"{namespace}-state",
                    objects=size.rollout,
                )["cycle"]
                require(len(onlooker.ready_at) == size.rollout, "the onlooker saw less")
                last_s = max(onlooker.ready_at.values())
            counts = dict(cost.counts)
            lag_s = max(0.0, counts.pop("ended_us") / 1e6 - last_s)
            yield Sample(group, f"{row}: a cycle", replace(cost, counts=counts))
            after = f"{row}: from when another watch saw the last one ready to the cycle's end"
            yield Sample(group, after, Cost(lag_s, 0.0, 0.0))


def latency(place: Place) -> Iterator[Sample]:
    """From the registry's 201 for a tag to its image in the API server, tag after tag."""
    size = place.size
    group = f"From a pushed tag to the cluster, {size.pushes} times"
    for row, has_webhook in (("webhook", True), ("polling each second", False)):
        with tempfile.TemporaryDirectory(dir=place.folder) as folder:
            name = place.fresh_name("latency")
            ways = sorted(
                ways_of_tags(
                    place.plane, Path(folder), name, pushes=size.pushes, has_webhook=has_webhook
                )
            )
        counts = {
            "pushes": len(ways),
            "ms at least": round(ways[0] * 1000),
            "ms nine of ten": round(ways[len(ways) * 9 // 10] * 1000),
            "ms at most": round(ways[-1] * 1000),
        }
        yield Sample(group, row, Cost(statistics.median(ways), 0.0, 0.0, counts=counts))


def _reconcile(job: Mapping[str, object]) -> list[str]:
    program = str(Path(PYTHON).with_name("reconcile"))
    flags = {
        "--git-url": job["git_url"],
        "--data-dir": job["folder"],
        "--kubeconfig": job["kubeconfig"],
        "--namespace": job["namespace"],
    }
    given = [str(word) for flag in flags.items() for word in flag]
    return [program, "--no-update", "--no-wait", *given]


def _kubectl_apply(plane: ControlPlane, file: Path, validate: str) -> Cost:
    command = ["apply", "--server-side", f"--validate={validate}", "-f", str(file)]
    return cost_of_program(
        plane.kubectl_command(*command), environment={**os.environ, "HOME": str(plane.folder)}
    )


def _requests_of_kubectl(plane: ControlPlane, file: Path, validate: str) -> int:
    """Return how many requests an apply takes that changes nothing; a first one takes as many."""
    command = ["apply", "--server-side", f"--validate={validate}", "-v=6", "-f", str(file)]
    done = subprocess.run(
        plane.kubectl_command(*command),
        env={**os.environ, "HOME": str(plane.folder)},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stderr.count('"Response" verb=')


def _samples(group: str, costs: Mapping[str, Cost]) -> Iterator[Sample]:
    for row, cost in costs.items():
        yield Sample(group, row, cost)


CONTESTS: Final[Mapping[str, Contest]] = {
    "start": start,
    "select": select,
    "scan": scan,
    "rewrite": rewrite,
    "cycle": cycle,
    "sync": sync,
    "rollout": rollout,
    "sync-many": sync_many,
    "latency": latency,
    "footprint": footprint,
    "takeover": takeover,
}
