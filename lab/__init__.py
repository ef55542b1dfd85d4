"""Real parts for tests and the demo: a control plane, a registry, a Git server. Loopback only."""
