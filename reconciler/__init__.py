"""Keeps the container images of Kubernetes workloads current, through Git."""
