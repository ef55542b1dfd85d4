"""Speaks the OCI Distribution API. Raises only this package's errors."""
