"""The page that plays a recording, with all its files: it works without a network (`page.py` renders it)."""
