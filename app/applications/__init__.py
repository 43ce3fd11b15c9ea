"""Applications, which answer an account's calls through webhooks.

`schema.py` and `service.py` offer them; `recording_decision.py` decides whether a call of an application is recorded, and why.
"""
