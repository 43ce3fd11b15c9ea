"""The text form of a session: the prefix `vgs_` and the common form of tokens (`app/foundation/tokens.py`)."""

from app.foundation.tokens import Form

FORM = Form("vgs_", "session")
