"""The text form of a session: `vgs_` and what `app/tokens.py` says of all tokens."""

from app.tokens import Form

FORM = Form("vgs_", "session")
