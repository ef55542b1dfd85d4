"""Rewrite: manifests in memory are read, planned, edited and proved."""

from collections.abc import Iterator, Mapping

from bench import manifests
from bench.child import Job, require
from bench.cost import Cost, cost_of
from reconciler.collector import spare_collector
from reconciler.core.decision import decide
from reconciler.core.images.reference import Repository
from reconciler.core.manifests.images import inspect
from reconciler.core.manifests.linking import link
from reconciler.core.plan import UpdatePlan, make_plan, repositories


def rewrite(job: Job) -> Iterator[tuple[str, Cost]]:
    """Bring ``manifests`` files up to date; and see that as many are up to date already."""
    spare_collector()  # as the program does
    count = job["manifests"]
    texts = manifests.folder_of(count)
    cost, plan = cost_of(lambda: _plan(texts, manifests.NEWEST))
    require(len(plan.contents) == count, f"{len(plan.contents)} of {count} files edited")
    expected = texts["shop/page-00000.yaml"].replace(
        f":{manifests.OLD}\n", f":{manifests.NEWEST}\n"
    )
    require(plan.contents["shop/page-00000.yaml"] == expected, "edited something else")
    yield "all edited and proved", cost

    texts = manifests.folder_of(count)
    cost, plan = cost_of(lambda: _plan(texts, manifests.OLD))
    require(not plan.contents, f"{len(plan.contents)} files edited")
    require(len(plan.skips) == count, f"{len(plan.skips)} of {count} images seen")
    yield "nothing to edit", cost


def rewrite_one_file(job: Job) -> Iterator[tuple[str, Cost]]:
    """Make one edit in a file of ``kib`` with many documents; of them ``automated`` are ours."""
    spare_collector()
    text = manifests.one_file(job["kib"] * 1024, automated=job["automated"])
    chosen = Repository(manifests.HOST, f"shop/page-{job['kib'] // 2:05d}")
    cost, plan = cost_of(lambda: _plan({"shop.yaml": text}, manifests.NEWEST, only=chosen))
    require(len(plan.changes) == 1, f"{len(plan.changes)} edits")
    yield "one edit", cost


def _plan(texts: Mapping[str, str], newest: str, only: Repository | None = None) -> UpdatePlan:
    """Return the plan when the registry lists a newest tag, for one repository or for all."""
    files = (inspect(path, text, default_namespace="default") for path, text in texts.items())
    reports = link(list(files))
    tags = {
        each: (manifests.OLD, newest) if only in (None, each) else (manifests.OLD,)
        for each in repositories(reports)
    }
    return make_plan(reports, texts, decide(reports, tags))
