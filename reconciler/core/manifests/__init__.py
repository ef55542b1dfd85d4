"""Manifests as text: where the images are, how one scalar is replaced. Nothing is ever dumped."""
