"""Parts: what one source's cycles work with, and what the stages make of it."""

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field

from reconciler.core.build import BuildResult
from reconciler.core.manifests.variables import Variables
from reconciler.core.objects.control import Suspension
from reconciler.pipeline.cluster_port import Cluster
from reconciler.pipeline.contention import Contention
from reconciler.pipeline.events import Progress
from reconciler.pipeline.gather import Gatherer, ImageFacts
from reconciler.pipeline.git_port import ManifestRepository, MessageTemplate, ProposalBranch
from reconciler.pipeline.kustomize import Kustomizations
from reconciler.pipeline.linker import Linker
from reconciler.pipeline.memory import Memory
from reconciler.pipeline.neighbours import Kin
from reconciler.pipeline.patience import Patience
from reconciler.pipeline.ports import Clock, KeySource, Kustomize
from reconciler.pipeline.propose import Chooser, Proposer, Withholder
from reconciler.pipeline.publisher import DirectPublisher, Publisher
from reconciler.pipeline.pull_secrets import PullSecrets
from reconciler.pipeline.read import Reader
from reconciler.pipeline.readiness import Readiness
from reconciler.pipeline.registry_port import SecretSource, TagSource
from reconciler.pipeline.requests import Requests
from reconciler.pipeline.statuses import Statuses
from reconciler.pipeline.view import View
from reconciler.pipeline.wording import Wording, wording_of
from reconciler.settings import SourceSettings
from reconciler.stop import Stop


@dataclass(frozen=True, slots=True)
class Parts:
    """What one source's cycles work with.

    Attributes:
        repository: its branch.
        registries: all registries.
        cluster: where to sync to; None for a source that does not.
        clock: tells the time.
        jitter: gives fractions from 0 to 1.
        progress: hears what is done, as it is done.
        secrets: where the registry secrets are that workloads pull with; None if nowhere.
        memory: what earlier cycles made of the same files.
        stop: asks a cycle to end early.
        is_hurried: whether another cycle of the source is asked for, so that this one does not
            linger.
        resting: lets cycles of other sources work while this one waits for health.
        suspension: says who has suspended the source; None: nobody has.
        patience: how long objects have not been healthy, over all cycles.
        contention: who takes fields of ours again and again, over all cycles.
        readiness: how the sources stand that others depend on, of all sources.
        is_elsewhere: whether another process runs the source of a name.
        image_facts: where what is to be known of single images comes from.
        template: words the commits that change images; None: we do.
        proposals: the branch to which commits go; None: the one that is read.
        requests: shows what is on that branch at a forge; None: nobody does.
        statuses: tells a forge what became of the revision; None: nobody does.
        kustomize: builds kustomizations; None if nothing does.
        kin: the other sources of this process.
        key_source: gives the keys of encrypted documents; None: there are none.
    """

    repository: ManifestRepository
    registries: TagSource
    cluster: Cluster | None
    clock: Clock
    jitter: Callable[[], float]
    progress: Progress
    secrets: SecretSource | None = None
    memory: Memory = field(default_factory=Memory)
    stop: Stop = field(default_factory=Stop)
    is_hurried: Callable[[], bool] = lambda: False
    resting: Callable[[], AbstractContextManager[None]] = nullcontext
    suspension: Callable[[], Suspension | None] = lambda: None
    patience: Patience = field(default_factory=Patience)
    contention: Contention = field(default_factory=Contention)
    readiness: Readiness = field(default_factory=Readiness)
    is_elsewhere: Callable[[str], bool] = lambda _name: False
    image_facts: ImageFacts = field(default_factory=ImageFacts)
    template: MessageTemplate | None = None
    proposals: ProposalBranch | None = None
    requests: Requests | None = None
    statuses: Statuses | None = None
    kustomize: Kustomize | None = None
    kin: Kin = field(default_factory=Kin)
    key_source: KeySource | None = None

    def reader(self, source: SourceSettings) -> Reader:
        """Return what reads the source's branch."""
        return Reader.of(source, self.repository, self.memory)

    def gatherer(self) -> Gatherer:
        """Return what reads facts about single images for one cycle."""
        return Gatherer(
            self.image_facts,
            clock=self.clock,
            jitter=self.jitter,
            progress=self.progress,
            stop=self.stop,
        )

    def wording(self, source: SourceSettings) -> Wording:
        """Return how the commits of one cycle, or of one command, are worded."""
        return wording_of(source, self.template, self._linker())

    def publisher(self, source: SourceSettings, signature: str) -> Publisher:
        """Return what a plan is handed to.

        Args:
            source: whose plan.
            signature: stands in the commit's ``Reconcile-By`` trailer.
        """
        if source.git.read_only:
            return Withholder()
        wording = self.wording(source)
        direct = DirectPublisher(self.repository, signature, wording, self.progress)
        if self.proposals is None:
            return direct
        proposer = Proposer(
            repository=self.repository,
            branch=self.proposals,
            signature=signature,
            wording=wording,
            progress=self.progress,
            requests=self.requests,
        )
        return Chooser(direct, proposer)

    def build(
        self, view: View, texts: Mapping[str, str], variables: Variables | None
    ) -> BuildResult:
        """Return the objects of manifests and kustomizations.

        Args:
            view: the revision.
            texts: its manifests, with the changes that are not in Git yet.
            variables: what to fill in; None: nothing.

        Raises:
            GitError: the contents of files could not be had.
        """
        keys = None if self.key_source is None else self.key_source.read()
        if self.kustomize is None:
            return self.memory.build(texts, variables=variables, keys=keys)
        kustomizations = Kustomizations(
            entries=view.entries,
            texts=texts,
            repository=self.repository,
            kustomize=self.kustomize,
            memory=self.memory.kustomizations,
            variables=variables,
            keys=keys,
        )
        kustomized = kustomizations.build()
        return self.memory.build(texts, kustomized=kustomized, variables=variables, keys=keys)

    def _linker(self) -> Linker | None:
        source = self.image_facts.source
        if source is None:
            return None
        return Linker(
            source,
            self.image_facts.store,
            pull_secrets=PullSecrets(self.secrets),
            clock=self.clock,
            jitter=self.jitter,
            progress=self.progress,
            stop=self.stop,
        )
