"""Runs the git program. Raises only this package's errors."""
