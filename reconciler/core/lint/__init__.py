"""Lint: what is wrong with manifests, or hardly meant, as far as they tell by themselves."""
