"""The page that plays a recording, with all that it needs: it works with the network closed.

    page.py              makes it
"""
