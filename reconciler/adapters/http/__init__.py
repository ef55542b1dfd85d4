"""HTTP as every adapter speaks it that has no client library: connections, deadlines, proxies."""
