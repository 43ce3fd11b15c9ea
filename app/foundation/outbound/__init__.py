"""Outbound calls to hosts that tenants name. `guard.py` decides which hosts may be called.

`connector.py` (aiohttp with limits), `failure_kind.py` and `errors.py` (why a call failed) serve storages and webhooks.
"""
