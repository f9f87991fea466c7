"""One file per claim; run any of them as ``python -m experiments.NAME``."""
