"""GraphiQL without files from other servers: the page (`page.py`), its examples (`tabs/`), its files (`install.py`)."""
