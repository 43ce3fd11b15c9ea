import hashlib
import hmac
import time


def is_genuine(secret: str, header: str, raw_body: bytes, now: float | None = None) -> bool:
    """Whether a webhook call comes from the gateway: `header` is its Jambonz-Signature."""
    parts = [part.partition("=") for part in header.split(",")]
    sent = next((value for name, _, value in parts if name == "t"), "")
    if not (sent.isascii() and sent.isdigit() and len(sent) < 12):
        return False
    if abs((time.time() if now is None else now) - int(sent)) > 300:
        return False
    expected = hmac.new(secret.encode(), sent.encode() + b"." + raw_body, hashlib.sha256).hexdigest()
    return any(hmac.compare_digest(expected.encode(), value.encode()) for name, _, value in parts if name == "v1")
