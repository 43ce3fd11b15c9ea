"""Service providers, which run accounts for their customers.

`schema.py` and `service.py` offer them; `lookup.py` finds one by its id for all services.
"""
