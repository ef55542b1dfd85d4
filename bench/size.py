"""How much work is measured."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Size:
    """The sizes of all works.

    Attributes:
        repositories: asked for their tags in one scan.
        tags: that each of them has.
        long_list: the tags of the one repository that has many.
        many: two numbers of repositories with ``few`` tags each; the second shows the growth.
        few: the tags of each of them.
        burst: lists after which one registry wants two seconds.
        delay_ms: how long the slow registry waits before each answer.
        choice: tags among which a policy selects.
        manifests: of 40 lines each, in folders of different size.
        shared: repositories that have the images of all manifests, where these are known already.
        document_kib: of the one file with many documents.
        objects: synced to a cluster.
        many_objects: synced to it by a source that has many.
        rollout: Deployments that are rolled out at a time.
        starts: how often a program is started in one round.
        cycles: that the idle reconciler runs with nothing to do.
        pushes: of new tags, whose way to the cluster is timed.
        rest_s: seconds in which the program has nothing to do.
    """

    repositories: int
    tags: int
    long_list: int
    many: tuple[int, int]
    few: int
    burst: int
    delay_ms: int
    choice: int
    manifests: tuple[int, ...]
    shared: int
    document_kib: int
    objects: int
    many_objects: int
    rollout: int
    starts: int
    cycles: int
    pushes: int
    rest_s: int


FULL = Size(
    repositories=1000,
    tags=100,
    long_list=20_000,
    many=(5000, 10_000),
    few=50,
    burst=100,
    delay_ms=50,
    choice=10_000,
    manifests=(1000, 5000),
    shared=10,
    document_kib=10 * 1024,
    objects=1000,
    many_objects=10_000,
    rollout=100,
    starts=5,
    cycles=50,
    pushes=100,
    rest_s=60,
)
TINY = Size(
    repositories=5,
    tags=3,
    long_list=2500,
    many=(3, 6),
    few=2,
    burst=4,
    delay_ms=1,
    choice=20,
    manifests=(2, 3),
    shared=2,
    document_kib=8,
    objects=4,
    many_objects=6,
    rollout=2,
    starts=1,
    cycles=2,
    pushes=2,
    rest_s=1,
)
"""For the test that all of this still runs; the figures mean nothing."""
