"""One in-memory implementation a port, with knobs for failure."""
