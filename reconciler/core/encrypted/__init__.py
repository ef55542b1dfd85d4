"""Documents that SOPS has encrypted: how they are read, and that nobody changed them.

No key is read here, and no cipher is known: that is for ``Keys``.
The format has no specification but the program (getsops/sops 3.13: ``sops.go``, ``aes/cipher.go``,
``stores``), which the tests run.
"""
