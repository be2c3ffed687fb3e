"""`evenkeel dev`: a local run on the real runtime."""
