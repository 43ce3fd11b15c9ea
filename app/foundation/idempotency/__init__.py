"""Idempotency keys: `run_once.py` runs a create once for each key of a caller; `model.py` stores the results for 24 hours."""
