"""What an installation of ours consists of. No I/O happens here."""
