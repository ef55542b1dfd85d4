"""Nodes without machines: kwok plays the kubelet, so that Deployments become Available.

A pod labelled ``lab/fail: "true"`` fails: a Job's pod ends with exit code 1, any other is in
``CrashLoopBackOff`` and never ready.
"""

from pathlib import Path

from lab import build

NODE = """\
apiVersion: v1
kind: Node
metadata:
  name: lab-node
  annotations: {kwok.x-k8s.io/node: fake}
  labels: {kubernetes.io/hostname: lab-node, kubernetes.io/os: linux, type: kwok}
status:
  allocatable: {cpu: 1k, memory: 1Ti, ephemeral-storage: 1Ti, pods: "10000"}
  capacity: {cpu: 1k, memory: 1Ti, ephemeral-storage: 1Ti, pods: "10000"}
"""

# A stage is drawn by weight from those that select the pod: kwok's own have none, and never win.
_FAILING = """\
apiVersion: kwok.x-k8s.io/v1alpha1
kind: Stage
metadata: {name: lab-pod-failing}
spec:
  resourceRef: {apiGroup: v1, kind: Pod}
  selector:
    matchLabels: {lab/fail: "true"}
    matchExpressions:
    - {key: .metadata.deletionTimestamp, operator: DoesNotExist}
    - {key: .status.phase, operator: In, values: [Pending]}
    - {key: ".metadata.ownerReferences.[].kind", operator: NotIn, values: [Job]}
  weight: 1000000
  next:
    statusTemplate: |
      {{ $now := Now }}
      conditions:
      - {lastTransitionTime: {{ $now | Quote }}, status: "True", type: Initialized}
      - lastTransitionTime: {{ $now | Quote }}
        status: "False"
        type: Ready
        reason: ContainersNotReady
      - lastTransitionTime: {{ $now | Quote }}
        status: "False"
        type: ContainersReady
        reason: ContainersNotReady
      containerStatuses:
      {{ range .spec.containers }}
      - name: {{ .name | Quote }}
        image: {{ .image | Quote }}
        imageID: ""
        ready: false
        restartCount: 5
        started: false
        state: {waiting: {reason: CrashLoopBackOff, message: "back-off restarting container"}}
      {{ end }}
      phase: Running
      startTime: {{ $now | Quote }}
"""
_JOB_FAILING = """\
apiVersion: kwok.x-k8s.io/v1alpha1
kind: Stage
metadata: {name: lab-job-pod-failing}
spec:
  resourceRef: {apiGroup: v1, kind: Pod}
  selector:
    matchLabels: {lab/fail: "true"}
    matchExpressions:
    - {key: .metadata.deletionTimestamp, operator: DoesNotExist}
    - {key: .status.phase, operator: In, values: [Pending]}
    - {key: ".metadata.ownerReferences.[].kind", operator: In, values: [Job]}
  weight: 1000000
  next:
    statusTemplate: |
      {{ $now := Now }}
      containerStatuses:
      {{ range .spec.containers }}
      - name: {{ .name | Quote }}
        image: {{ .image | Quote }}
        imageID: ""
        ready: false
        restartCount: 0
        started: false
        state:
          terminated:
            exitCode: 1
            reason: Error
            startedAt: {{ $now | Quote }}
            finishedAt: {{ $now | Quote }}
      {{ end }}
      phase: Failed
      startTime: {{ $now | Quote }}
"""


def command(kubeconfig: Path, stages: Path) -> list[str]:
    """Return how to run kwok, with its stages and ours written to a file.

    Raises:
        MissingPartError: kwok is not built.
    """
    program = build.require("kwok")
    shipped = [file.read_text() for file in sorted((program.parent / "stages").glob("*.yaml"))]
    stages.write_text("\n---\n".join([*shipped, _FAILING, _JOB_FAILING]))
    return [
        str(program),
        f"--kubeconfig={kubeconfig}",
        "--manage-all-nodes=true",
        f"--config={stages}",
        "--node-lease-duration-seconds=0",
    ]
