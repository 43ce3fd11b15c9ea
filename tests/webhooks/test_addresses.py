"""Which URLs of a tenant are accepted, by their text."""

import pytest

from app.foundation.outbound.guard import OutboundGate
from app.foundation.user_errors import ErrorCollector
from app.webhooks.addresses import checked_url, origin

GATE = OutboundGate(["127.0.0.1:9000", "queue.internal:443"])
HTTP = ("http", "https")


def judged(text: str, schemes: tuple[str, ...] = HTTP) -> tuple[str, list[str]]:
    errors = ErrorCollector()
    url = checked_url(text, errors, "calls", "url", schemes=schemes, gate=GATE)
    assert all(error.field == ["calls", "url"] for error in errors.found)
    return url, [f"{error.code.value}: {error.message}" for error in errors.found]


@pytest.mark.parametrize(
    "text",
    [
        "https://hooks.example.com",
        "http://hooks.example.com:8080/a?b=c&d=%20#e",
        "HTTPS://Hooks.Example.COM/Ü/🎧",
        "https://xn--mnchen-3ya.example/",
        "https://93.184.215.14/hook",
        "https://[2606:2800:21f:cb07:6820:80da:af6b:8b2c]/hook",
        "http://127.0.0.1:9000/allowed",
        f"https://hooks.example.com/{'a' * 2022}",
    ],
)
def test_a_public_url_is_accepted_unchanged(text: str) -> None:
    assert judged(text) == (text, [])


def test_a_url_is_trimmed() -> None:
    assert judged(" \t\nhttps://hooks.example.com/a\u00a0 ") == ("https://hooks.example.com/a", [])


@pytest.mark.parametrize("scheme", ["ws", "wss"])
def test_each_field_has_its_own_schemes(scheme: str) -> None:
    url = f"{scheme}://hooks.example.com/calls"
    assert judged(url, (*HTTP, "ws", "wss")) == (url, [])
    assert judged(url)[1] == ["INVALID: The URL must begin with http:// or https://."]


def test_the_default_port_counts_for_the_operators_allow_list() -> None:
    assert judged("wss://queue.internal/", ("ws", "wss"))[1] == []
    assert len(judged("ws://queue.internal/", ("ws", "wss"))[1]) == 1


@pytest.mark.parametrize("text", ["", "   ", "\n"])
def test_an_empty_url_is_reported_as_required(text: str) -> None:
    assert [problem.partition(":")[0] for problem in judged(text)[1]] == ["REQUIRED"]


def test_a_url_has_at_most_2048_characters() -> None:
    (problem,) = judged(f"https://hooks.example.com/{'ü' * 2023}")[1]
    assert problem == "TOO_LONG: The URL has 2049 characters; at most 2048 are allowed."


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("hooks.example.com/a", "must begin with"),
        ("//hooks.example.com/a", "must begin with"),
        ("ftp://hooks.example.com/a", "must begin with"),
        ("javascript:alert(1)", "must begin with"),
        ("https:///a", "has no host"),
        ("https://?a", "has no host"),
        ("https://user:password@hooks.example.com/", "user name or password"),
        ("https://user@hooks.example.com/", "user name or password"),
        ("https://@hooks.example.com/", "user name or password"),
        ("https://hooks.example.com:0/", "The URL is invalid."),
        ("https://hooks.example.com:65536/", "The URL is invalid."),
        ("https://hooks.example.com:port/", "The URL is invalid."),
        ("https://[::1/", "The URL is invalid."),
        ("https://hooks.example.com/a b", "a space"),
        ("https://hooks.example.com/a\r\nX-Header: b", "a control character"),
        ("https://hooks.example.com/a\u202eb", "a control character"),
        ("https://hooks.example.com/\0", "a control character"),
        ("https://hooks.example.com/\ud800", "a control character"),
        ("https://hooks.example.com\\@127.0.0.1/", "percent-encode"),
        ("https://{host}/", "percent-encode"),
        ("https://münchen.example/", "xn--"),
        ("http://127.0.0.1/", "loopback"),
        ("http://127.0.0.1:9001/", "loopback"),
        ("http://127.1/", "loopback"),
        ("http://2130706433/", "loopback"),
        ("http://①②⑦.0.0.1/", "loopback"),
        ("http://[::ffff:127.0.0.1]/", "loopback"),
        ("http://169.254.169.254/latest/meta-data", "metadata"),
        ("http://[fd00:ec2::254]/", "metadata"),
        ("http://10.0.0.1/", "private"),
        ("http://localhost/", "private network"),
        ("http://database.internal/", "private network"),
        ("http://gateway/", "private network"),
    ],
)
def test_an_invalid_url_is_refused_with_the_reason(text: str, words: str) -> None:
    (problem,) = judged(text)[1]
    assert problem.startswith("INVALID: ")
    assert words in problem


def test_urls_of_the_same_server_have_the_same_origin() -> None:
    assert origin("https://Hooks.example.com./a?b") == origin("HTTPS://hooks.example.com:443/c#d")
    others = ["http://hooks.example.com/", "https://hooks.example.com:8443/", "https://hooks.example.org/"]
    assert len({origin(url) for url in ("https://hooks.example.com/", *others)}) == 4
