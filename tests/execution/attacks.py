"""Documents that attack a server, by kind. The tests check that each gets a response, the benchmark how fast."""


def _nested(opening: str, times: int, core: str, closing: str) -> str:
    return opening * times + core + closing * times


def _fragments(count: int, body: str, type_: str = "Query") -> str:
    return " ".join(f"fragment f{i} on {type_} {{ {body.format(i=i, next=(i + 1) % count)} }}" for i in range(count))


_DEEP_TYPE = "{kind name description ofType{kind name description ofType{kind name description ofType{kind name}}}}"
_DEEP_VALUE = f"{{name description defaultValue type{_DEEP_TYPE}}}"
_DEEP_FIELD = f"{{name description isDeprecated deprecationReason type{_DEEP_TYPE}args{_DEEP_VALUE}}}"

# Refused before anything runs.
REFUSED = {
    "deep nesting": "{viewer{account" + _nested("{apiKeys{nodes{account", 200, "{id}", "}}}") + "}}",
    "deep nesting of lists": "{account(id:" + _nested("[", 900, "", "]") + "){id}}",
    "deep inline fragments": "{" + _nested("...{", 600, "__typename", "}") + "}",
    "nested within the parser's limit": "{viewer{account" + _nested("{apiKeys{nodes{account", 8, "{id}", "}}}") + "}}",
    "1000 aliases": "{" + " ".join(f"a{i}:__typename" for i in range(1_000)) + "}",
    "101 aliases": "{" + " ".join(f"a{i}:__typename" for i in range(101)) + "}",
    "10,000 directives": "{__typename" + " @skip(if:false)" * 10_000 + "}",
    "300 directives": "{__typename" + " @skip(if:false)" * 300 + "}",
    "unknown directives": "{__typename" + " @a" * 900 + "}",
    "fragment doubling": "{...f0}" + _fragments(26, "...f{next} ...f{next}").replace("...f0 ...f0", "__typename"),
    "empty fragments doubling": "{...f0}" + _fragments(26, "...f{next} ...f{next}").replace("...f0 ...f0", ""),
    "a chain of fragments": "{...f0}" + _fragments(240, "...f{next}").replace("{ ...f0 }", "{ __typename }"),
    "a chain of deep fragments": "{...f0}"
    + _fragments(95, _nested("...{{", 6, "...f{next}", "}}")).replace("...f0}}", "__typename}}"),
    "a circle of fragments": "{...f0}" + _fragments(90, "...f{next}"),
    "a dense circle of fragments": "{...f0}" + _fragments(28, " ".join(f"...f{i}" for i in range(28))),
    "a circle with many fields": "{...f0 " + "viewer{scope} " * 300 + "}" + _fragments(2, "...f{next}"),
    "1 MB of tokens": "{" + "a " * 500_000 + "}",
    "64 kB of tokens": "{" + "a " * 32_000 + "}",
    "64 kB of brackets": "{" * 65_000,
    "one field 490 times": "{" + "viewer{scope} " * 490 + "}",
    "one leaf 990 times": "{viewer{" + "scope " * 990 + "}}",
    "one leaf 30 times, 30 times": "{" + ("viewer{" + "scope " * 30 + "}") * 30 + "}",
    "one field in 95 fragments": "{viewer{"
    + " ".join(f"...f{i}" for i in range(95))
    + "}}"
    + _fragments(95, "scope", "Viewer"),
    "an unused fragment": "{__typename} fragment f on Viewer {" + "scope " * 990 + "}",
    "many operations": " ".join(f"query q{i} {{__typename}}" for i in range(330)),
    "operations that share a fragment": " ".join(f"query q{i} {{...f}}" for i in range(50))
    + "fragment f on Query {"
    + "viewer{scope} " * 250
    + "}",
    "unknown fields": "{" + " ".join(f"field{i}" for i in range(990)) + "}",
    "unknown fields, 4,900 lines down": "\n" * 4_900 + "{" + " ".join(f"field{i}" for i in range(990)) + "}",
    "60,000 lines": "\n" * 60_000 + "{" + " ".join(f"field{i}" for i in range(990)) + "}",
    "unknown arguments": "{account(" + " ".join(f"b{i}:1" for i in range(600)) + "){id}}",
    "a name of 60,000 letters": "{" + "b" * 60_000 + "}",
    "many variables": "query(" + " ".join(f"$a{i}:ID" for i in range(450)) + "){__typename}",
    "one variable many times": "query(" + "$a:ID " * 400 + "){__typename}",
    "a literal list of 1,900": "{account(id:[" + "1 " * 1_900 + "]){id}}",
    "a block string of 60,000 lines": '{account(id:"""' + "\n x" * 21_000 + '"""){id}}',
    "pages within pages": "{accounts(first:100){nodes{apiKeys(first:100){nodes{account{apiKeys(first:100){nodes{id}}}}}}}}",
    "pages within pages within pages": "{accounts(first:100){nodes"
    + _nested("{apiKeys(first:100){nodes{account", 4, "{id}", "}}}")
    + "}}",
    "99 pages with pages": "{"
    + " ".join(f"a{i}:accounts(first:100){{nodes{{apiKeys(first:3){{nodes{{id}}}}}}}}" for i in range(99))
    + "}",
    "types of types of types": "{__schema{types" + _nested("{fields{type", 6, "{name}", "}}") + "}}",
    "possible types of possible types": "{__schema{types" + _nested("{possibleTypes", 6, "{name}", "}") + "}}",
    "the schema 110 times": "{" + " ".join(f"a{i}:__schema{{types{{name}}}}" for i in range(110)) + "}",
    "100 types": "{" + " ".join(f'a{i}:__type(name:"Account"){{fields{{name}}}}' for i in range(99)) + "}",
    "the fields of the schema 95 times": "{__schema{types{"
    + " ".join(f"a{i}:fields{{name args{{name}}}}" for i in range(95))
    + "}}}",
    "the fields of the schema 4 times": "{__schema{types{"
    + " ".join(f"a{i}:fields{_DEEP_FIELD}" for i in range(4))
    + f"inputFields{_DEEP_VALUE}}}}}}}",
    "the schema 99 times": "{"
    + " ".join(f"a{i}:__schema{{types{{fields{{name type{{name}}}}}}}}" for i in range(99))
    + "}",
}

# Large but allowed.
ALLOWED = {
    "100 aliases": "{" + " ".join(f"a{i}:__typename" for i in range(100)) + "}",
    "one field 60 times": "{" + "viewer{scope} " * 60 + "}",
    "one field in 60 fragments": "{viewer{"
    + " ".join(f"...f{i}" for i in range(60))
    + "}}"
    + _fragments(60, "scope", "Viewer"),
    "fields and 45 fragments": "{"
    + " ".join(f"viewer{{...f{i} apiKey{{id}}}}" for i in range(45))
    + "}"
    + _fragments(45, "scope", "Viewer"),
    "50 operations": "query wanted {__typename} " + " ".join(f"query q{i} {{__typename}}" for i in range(49)),
    "a string of 65,000 letters": '{account(id:"' + "x" * 65_000 + '"){id}}',
    "a block string of quotes": '{account(id:"""' + '\\"""' * 16_000 + '"""){id}}',
    "10,000 Unicode escapes": '{account(id:"' + "\\u0041" * 10_000 + '"){id}}',
    "a comment of 65,000 letters": "#" + "x" * 65_000 + "\n{__typename}",
    "65,000 commas": "," * 65_000 + "{__typename}",
}

# Small documents whose fields multiply: ended while they run.
ENDED = {
    "the fields of the schema, and those of their types": "{__schema{types{"
    + f"a:fields{_DEEP_FIELD}inputFields{_DEEP_VALUE}"
    + f"fields{{name description args{_DEEP_VALUE}type{{fields{_DEEP_FIELD}}}}}"
    + "}}}",
}
