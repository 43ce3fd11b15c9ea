"""The page that plays a recording, with all that it needs (page.py makes it): it works with the network closed."""
