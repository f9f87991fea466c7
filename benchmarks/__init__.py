"""What the searches cost; run as ``python -m benchmarks.evolve``."""
