"""Real parts for tests and the demo: a control plane, a registry, a Git server. Loopback only.

Building the programs needs Python, Go and git; running them the development packages, too. Only the
container image needs root.

``RECONCILE_LAB_CACHE``: where built programs are kept, instead of ``~/.cache/reconcile-lab``.
``RECONCILE_LAB_KUBECONFIG``: a cluster to test against, instead of one that is started; tests that
need its audit log, its users or its API server's end are skipped.
``KUBEBUILDER_ASSETS``: a folder whose etcd and kube-apiserver are used instead of the lab's own.
"""
