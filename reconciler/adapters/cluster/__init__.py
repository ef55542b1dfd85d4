"""Speaks to the Kubernetes API server. Raises only this package's errors."""
