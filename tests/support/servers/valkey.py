"""A Valkey server from its wheel, with direct access for tests."""

from hashlib import sha1
from typing import Any

from valkey import Valkey

from app.demo.local_valkey import LocalValkey

PROMPT = b'{"audio": "UklGRiQAAABXQVZF"}'


class PromptServer(LocalValkey):
    """A Valkey with prompts in the form that the gateway writes."""

    def client(self) -> "Valkey":
        """A client of the whole server; the caller closes it."""
        return Valkey.from_url(self.url, socket_timeout=30)

    def run(self, *command: Any) -> Any:
        with self.client() as valkey:
            return valkey.execute_command(*command)

    def fill(self, account_id: str, count: int) -> None:
        """Caches `count` prompts of an account, each for a day."""
        self.write(f"tts:{account_id}:{sha1(str(number).encode()).hexdigest()}" for number in range(count))

    def write(self, keys: Any) -> None:
        with self.client() as valkey:
            pipe = valkey.pipeline(transaction=False)
            for number, key in enumerate(keys, 1):
                pipe.set(key, PROMPT, ex=86_400)
                if number % 10_000 == 0:
                    pipe.execute()
            pipe.execute()

    def keys(self, pattern: str = "*") -> set[bytes]:
        return set(self.run("KEYS", pattern))
