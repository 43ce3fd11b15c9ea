"""The validation rules for storage settings."""

import dataclasses

import pytest

from app.foundation.user_errors import UserErrorCode
from app.storage import rules
from app.storage.model import BucketVendor
from app.storage.rules import StorageDraft, Tag

AWS = StorageDraft(
    vendor=BucketVendor.AWS_S3,
    bucket="calls",
    region="eu-central-1",
    access_key_id="AKIAIOSFODNN7EXAMPLE",
    secret_access_key="wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY",
    tags=(Tag("team", "voice"),),
)
OTHER = dataclasses.replace(
    AWS, vendor=BucketVendor.S3_COMPATIBLE, endpoint_url="https://s3.example.com:9000", access_key_id="key"
)


def fields_of(draft: StorageDraft) -> list[str]:
    return [".".join(error.field or []) for error in rules.errors(draft)]


def test_valid_settings_have_no_errors() -> None:
    assert fields_of(AWS) == fields_of(OTHER) == []
    assert not list(rules.missing(AWS))
    assert not list(rules.missing(OTHER))
    assert rules.warnings(AWS) == rules.warnings(OTHER) == []


def test_missing_values_are_named_by_field_and_an_empty_draft_has_no_other_error() -> None:
    named = [(error.field, error.code) for error in rules.missing(StorageDraft())]
    names = ["bucketVendor", "bucketName", "region", "accessKeyId", "secretAccessKey"]
    assert named == [([name], UserErrorCode.REQUIRED) for name in names]
    assert fields_of(StorageDraft()) == []
    compatible = StorageDraft(vendor=BucketVendor.S3_COMPATIBLE)
    assert ["endpointUrl"] in [error.field for error in rules.missing(compatible)]


def test_all_rule_errors_are_reported_at_once() -> None:
    draft = StorageDraft(BucketVendor.AWS_S3, "https://x.example", "A", "mars", "short", " s ", (Tag("", "€"),))
    assert fields_of(draft) == [
        "endpointUrl", "bucketName", "region", "accessKeyId", "secretAccessKey", "s3Tags.0.name", "s3Tags.0.value",
    ]  # fmt: skip


@pytest.mark.parametrize(
    "bucket",
    [
        "", "ab", "a" * 64, "Calls", "-calls", "calls-", ".calls", "ca..lls", "ca_lls", "192.168.0.1", "xn--calls",
        "sthree-calls", "amzn-s3-demo-calls", "calls-s3alias", "calls--ol-s3", "calls.mrap", "calls--x-s3",
        "calls--table-s3", "cälls", "cal\nls", "arn:aws:s3:::calls", "a/b", "calls١",
    ],
)  # fmt: skip
@pytest.mark.parametrize("settings", [AWS, OTHER])
def test_a_bucket_name_that_breaks_a_rule_is_refused(settings: StorageDraft, bucket: str) -> None:
    assert fields_of(dataclasses.replace(settings, bucket=bucket)) == ["bucketName"]


@pytest.mark.parametrize("bucket", ["abc", "a" * 63, "my.calls-2026", "1calls", "1.2.3.4a", " calls\n"])
def test_a_bucket_name_within_the_rules_passes(bucket: str) -> None:
    assert fields_of(dataclasses.replace(AWS, bucket=bucket)) == []


@pytest.mark.parametrize(
    "url",
    [
        "", "s3.example.com", "ftp://s3.example.com", "https://", "https://user@s3.example.com",
        "https://user:pw@s3.example.com", "https://s3.example.com/path", "https://s3.example.com?a",
        "https://s3.example.com/#a", "https://s3.example.com:0", "https://s3.example.com:65536",
        "https://s3.example.com:x", "https://s3 .example.com", "https://s3.exam\nple.com", "https://ex\\ample.com",
        "https://[::1", "https://[zz]", "https://bücher.example", "https://a..b", "https://-a.example",
        "https://" + "a" * 64 + ".example", "https://a_b.example", "javascript:alert(1)",
    ],
)  # fmt: skip
def test_an_endpoint_url_is_a_scheme_a_host_and_a_port(url: str) -> None:
    assert fields_of(dataclasses.replace(OTHER, endpoint_url=url)) == ["endpointUrl"]


@pytest.mark.parametrize(
    "url",
    ["http://minio:9000", "https://s3.example.com/", "HTTPS://S3.Example.com", "https://192.0.2.1:443", "http://[2001:db8::1]:9000",
     " https://s3.example.com\n"],
)  # fmt: skip
def test_an_endpoint_url_within_the_rules_passes(url: str) -> None:
    assert fields_of(dataclasses.replace(OTHER, endpoint_url=url)) == []


def test_over_long_values_name_their_field() -> None:
    draft = dataclasses.replace(
        OTHER, endpoint_url="https://" + "a" * 2048, access_key_id="k" * 257, secret_access_key="s" * 513
    )
    assert {error.code for error in rules.errors(draft)} == {UserErrorCode.TOO_LONG}
    assert fields_of(draft) == ["endpointUrl", "accessKeyId", "secretAccessKey"]


def test_an_aws_key_id_has_its_form_and_is_not_temporary() -> None:
    for key in ("short", "A" * 129, "AKIAIOSFODNN7EXAMPL!", "AKIAIOSFODNN7EXAMPLÉ"):
        assert fields_of(dataclasses.replace(AWS, access_key_id=key)) == ["accessKeyId"]
    (error,) = rules.errors(dataclasses.replace(AWS, access_key_id="ASIAIOSFODNN7EXAMPLE"))
    assert error.rule.name == "AWS_ACCESS_KEY_ID_TEMPORARY"
    assert error.message == (
        "A key that begins with ASIA is temporary and needs a session token, which cannot be stored. "
        "Enter the long-lived key of an IAM user; it begins with AKIA."
    )


@pytest.mark.parametrize("key", ["minio", "ASIAIOSFODNN7EXAMPLE", "GK31c2f218a2e44f485b94239e", "user:key/2.x"])
def test_other_servers_have_their_own_forms_of_key_ids(key: str) -> None:
    assert fields_of(dataclasses.replace(OTHER, access_key_id=key)) == []


@pytest.mark.parametrize("key", ["", "a b", "a\nb", "a,b", "é"])
def test_a_key_id_cannot_break_the_authorization_header(key: str) -> None:
    assert fields_of(dataclasses.replace(OTHER, access_key_id=key)) == ["accessKeyId"]


@pytest.mark.parametrize("secret", ["", " s", "s\t", "s\x00s", "s\ud800s", "\u00a0s"])
def test_a_secret_that_was_copied_badly_is_refused(secret: str) -> None:
    assert fields_of(dataclasses.replace(AWS, secret_access_key=secret)) == ["secretAccessKey"]


def test_no_sentence_repeats_the_secret() -> None:
    draft = dataclasses.replace(AWS, secret_access_key=" hunter2\x00 ")
    assert "hunter2" not in repr(draft)
    assert all("hunter2" not in repr(error) for error in rules.errors(draft))


def test_tags_are_measured_in_utf16_units() -> None:
    assert rules.utf16_units("a𝒳") == 3
    at_the_limit = (Tag("𝒳" * 64, "𝒳" * 128), Tag("n" * 128, "v" * 256), Tag("empty", ""))
    assert fields_of(dataclasses.replace(AWS, tags=at_the_limit)) == []
    beyond = (Tag("𝒳" * 64 + "n", "𝒳" * 128 + "v"),)
    assert fields_of(dataclasses.replace(AWS, tags=beyond)) == ["s3Tags.0.name", "s3Tags.0.value"]


def test_a_tag_allows_letters_of_any_script_digits_spaces_and_some_signs() -> None:
    assert fields_of(dataclasses.replace(AWS, tags=(Tag("Größe 大 ٣ _.:/=+-@", "a b"),))) == []
    for name in ("", "a,b", "a&b", "😀", "a\nb", "a\u200bb", "aws:team", "AWS:team", "\ud800"):
        assert fields_of(dataclasses.replace(AWS, tags=(Tag(name, "v"),))) == ["s3Tags.0.name"]


def test_tag_names_are_unique_and_there_are_at_most_ten() -> None:
    twice = (Tag("a", "1"), Tag("b", "2"), Tag("a", "3"))
    assert fields_of(dataclasses.replace(AWS, tags=twice)) == ["s3Tags.0.name", "s3Tags.2.name"]
    assert fields_of(dataclasses.replace(AWS, tags=tuple(Tag(str(i), "") for i in range(10)))) == []
    assert fields_of(dataclasses.replace(AWS, tags=tuple(Tag(str(i), "") for i in range(11)))) == ["s3Tags"]


def test_an_unlisted_region_is_accepted_with_a_warning() -> None:
    draft = dataclasses.replace(AWS, region="eu-atlantis-7")
    assert fields_of(draft) == []
    assert "eu-atlantis-7" in rules.warnings(draft)[0]
    assert fields_of(dataclasses.replace(AWS, region="atlantis")) == ["region"]


def test_other_servers_have_their_own_regions() -> None:
    for region in ("auto", "RegionOne", "fr-par"):
        assert fields_of(dataclasses.replace(OTHER, region=region)) == []
    for region in ("1", "-a", "a.b", "", "a" * 64):
        assert fields_of(dataclasses.replace(OTHER, region=region)) == ["region"]


def test_plain_http_gives_a_warning() -> None:
    assert "unencrypted" in rules.warnings(dataclasses.replace(OTHER, endpoint_url="http://s3.example.com"))[0]
