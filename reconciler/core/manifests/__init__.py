"""Manifests as text: where the images are, and how one scalar is replaced. Nothing is ever dumped."""
