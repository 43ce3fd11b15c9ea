"""The text form of an API key: the prefix `vgk_` and the common form of tokens (`app/foundation/tokens.py`)."""

from app.foundation.tokens import PUBLIC_ID_LENGTH, Form, Token

PREFIX = "vgk_"
FORM = Form(PREFIX, "api-key")
make, read, secret_hash = FORM.make, FORM.read, FORM.secret_hash

__all__ = ["FORM", "PREFIX", "PUBLIC_ID_LENGTH", "Token", "make", "read", "secret_hash"]
