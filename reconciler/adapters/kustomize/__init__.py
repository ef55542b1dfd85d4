"""Adapter to the kustomize program."""
