"""Signatures: the published test vector, genuine and forged ones, and the examples in the API guide."""

import hmac
import importlib.util
import json
import re
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from app.webhooks import signing

REPOSITORY = Path(__file__).parents[2]
CLIENTS = REPOSITORY / "tests" / "clients"
EXAMPLES = {"python": CLIENTS / "python" / "verify_webhook.py", "ts": CLIENTS / "typescript" / "verify-webhook.ts"}
SECRET, PREVIOUS = "wh_secret_2NEpo7TZRRrLZSi2UZaQWX", "wh_secret_4Ab9dEfGhJkLmNpQrStUvW"
BODY, SENT = b'{"kind":"REGISTRATION","username":"6001"}', 1767225600
HEADER = "t=1767225600,v1=2e842b350683448814169a7e880181de83c56b0afeda6e1b20b2266345868f98"
OVERLAP = f"{HEADER},v1=4c0eeddc17d4151c84a80647198ff1fd4254c4d04956d5a1278316c66b6895da"
V1 = HEADER.partition("v1=")[2]

# Secret, header, body, time of reading, and whether it is genuine.
TRIES = [
    (SECRET, HEADER, BODY, SENT, True),
    (SECRET, HEADER, BODY, SENT + 300, True),
    (SECRET, HEADER, BODY, SENT - 300, True),
    (SECRET, HEADER, BODY, SENT + 301, False),
    (SECRET, HEADER, BODY, SENT - 301, False),
    (SECRET, HEADER, BODY + b" ", SENT, False),
    (SECRET, HEADER, b"", SENT, False),
    (SECRET, HEADER.replace("t=1767225600", "t=1767225601"), BODY, SENT, False),
    (PREVIOUS, HEADER, BODY, SENT, False),
    (SECRET, OVERLAP, BODY, SENT, True),
    (PREVIOUS, OVERLAP, BODY, SENT, True),
    (SECRET, f"t={SENT},v1=00,v1={V1}", BODY, SENT, True),
    (SECRET, f"t={SENT},v0=1,v1={V1}", BODY, SENT, True),
    (SECRET, f"t={SENT},v0={V1}", BODY, SENT, False),
    (SECRET, f"t={SENT},v1={V1[:-2]}", BODY, SENT, False),
    (SECRET, f"t={SENT},v1={V1}00", BODY, SENT, False),
    (SECRET, f"t={SENT},v1={'é' * 64}", BODY, SENT, False),
    (SECRET, f"t={SENT},v1=", BODY, SENT, False),
    (SECRET, f"t={SENT}", BODY, SENT, False),
    (SECRET, f"v1={V1}", BODY, SENT, False),
    (SECRET, f"t=,v1={V1}", BODY, SENT, False),
    (SECRET, f"t=-{SENT},v1={V1}", BODY, SENT, False),
    (SECRET, f"t={'9' * 5000},v1={V1}", BODY, SENT, False),
    (SECRET, f"t=١٧٦٧٢٢٥٦٠٠,v1={V1}", BODY, SENT, False),
    (SECRET, "", BODY, SENT, False),
    (SECRET, "garbage,,=,", BODY, SENT, False),
]


def test_the_published_test_vector_is_what_we_send() -> None:
    assert signing.signature([SECRET], BODY, SENT) == HEADER
    assert signing.signature([SECRET, PREVIOUS], BODY, SENT) == OVERLAP


@pytest.mark.parametrize("place", [signing.__file__, REPOSITORY / "docs" / "api.md"], ids=["docstring", "guide"])
def test_the_test_vector_is_published(place: str) -> None:
    text = Path(place).read_text()
    for part in (SECRET, PREVIOUS, str(SENT), BODY.decode(), HEADER, OVERLAP.removeprefix(HEADER)):
        assert part in text, part


@pytest.mark.parametrize(("secret", "header", "body", "now", "genuine"), TRIES)
def test_only_genuine_signatures_pass(secret: str, header: str, body: bytes, now: int, genuine: bool) -> None:
    assert signing.is_genuine(secret, header, body, now) is genuine


def test_signatures_are_compared_in_constant_time_and_all_of_them(monkeypatch: pytest.MonkeyPatch) -> None:
    compared: list[bytes] = []
    real: Callable[[bytes, bytes], bool] = hmac.compare_digest

    def watched(expected: bytes, given: bytes) -> bool:
        compared.append(given)
        return real(expected, given)

    monkeypatch.setattr(hmac, "compare_digest", watched)
    assert signing.is_genuine(SECRET, OVERLAP, BODY, SENT)
    assert len(compared) == 2


@pytest.mark.parametrize("language", EXAMPLES)
def test_the_guide_shows_the_example_that_is_run_here(language: str) -> None:
    source = EXAMPLES[language].read_text()
    assert f"```{language}\n{source}```" in (REPOSITORY / "docs" / "api.md").read_text()
    code = [line for line in source.splitlines() if line.strip()]
    assert len(code) <= 15, "fifteen lines: receivers copy it"


@pytest.mark.parametrize(("secret", "header", "body", "now", "genuine"), TRIES)
def test_the_python_example_accepts_the_same_signatures(
    secret: str, header: str, body: bytes, now: int, genuine: bool
) -> None:
    spec = importlib.util.spec_from_file_location("verify_webhook", EXAMPLES["python"])
    assert spec is not None
    assert spec.loader is not None
    example = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(example)
    assert example.is_genuine(secret, header, body, now) is genuine


@pytest.mark.skipif(shutil.which("node") is None, reason="Node.js is not installed")
def test_the_typescript_example_accepts_the_same_signatures(tmp_path: Path) -> None:
    """The types are removed by text; `make clients` compiles the example unchanged, under strict settings."""
    source = re.sub(r": (string|Buffer|boolean)\b", "", EXAMPLES["ts"].read_text())
    tries = [[secret, header, body.decode(), now] for secret, header, body, now, _ in TRIES]
    script = (
        f"{source}\nconst tries = {json.dumps(tries)};\n"
        "console.log(JSON.stringify(tries.map(([s, h, b, n]) => isGenuine(s, h, Buffer.from(b), n))));"
    )
    (tmp_path / "run.mjs").write_text(script)
    done = subprocess.run(["node", "run.mjs"], cwd=tmp_path, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == [genuine for *_, genuine in TRIES]
