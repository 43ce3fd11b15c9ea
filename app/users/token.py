"""The text form of a session: `vgs_` and what `app/foundation/tokens.py` says of all tokens."""

from app.foundation.tokens import Form

FORM = Form("vgs_", "session")
