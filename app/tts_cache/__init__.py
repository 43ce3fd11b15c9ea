"""The text-to-speech prompts that the gateway caches in Valkey (or Redis): counted and cleared per account.

`cache.py` scans the server, `counts.py` shares recent counts among requests, `service.py` and `schema.py` offer them.
"""
