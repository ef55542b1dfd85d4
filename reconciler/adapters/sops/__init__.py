"""Adapter to what decrypts: age, by rage's bindings, and AES-GCM, by PyCryptodome."""
