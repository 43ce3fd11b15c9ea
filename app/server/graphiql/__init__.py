"""GraphiQL, served by this server alone: the page (`page.py`), examples (`tabs/`), its files (`install.py`)."""
