"""Logins from the cloud that we run in. Loaded only where ``--registry-cloud`` names one.

What is asked here is named by us or by our own environment, never by a registry or a manifest: of a
manifest, an account's region and a registry's name get as far as a host name of the cloud's own.
"""
