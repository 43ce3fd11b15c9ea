"""A type's declarations are checked against its model when the module is imported."""

import types

import pytest
from strawberry.types.base import StrawberryObjectDefinition

from app.accounts.model import Account
from app.api_keys.model import ApiKey
from app.calls.model import CallAccount
from app.foundation.graphql import declarations, fields, nodes
from app.foundation.graphql.pagination import NEWEST_FIRST
from app.server.schema import schema

DECLARED = {
    "a column": (fields.column("A name.", of="nmae"), "Account has no column 'nmae'"),
    "a computed value": (fields.computed(str, ["name", "nmae"], "A name."), "Account has no column 'nmae'"),
    "a part": (fields.part(dict, {"unit": "usage_unti"}, "A limit."), "Account has no column 'usage_unti'"),
    "a to-one's key": (
        fields.to_one("ServiceProvider", "provider_id", row=Account, description="Its provider."),
        "Account has no column 'provider_id'",
    ),
    "a to-one's target": (
        fields.to_one("ApiKey", "id", row=ApiKey, by="acount_id", description="A key."),
        "ApiKey has no column 'acount_id'",
    ),
    "a page": (
        fields.page("acount_id", row=ApiKey, order=NEWEST_FIRST, description="Its keys.", target="ApiKey"),
        "ApiKey has no column 'acount_id'",
    ),
    "a count": (fields.count("acount_id", row=ApiKey, description="How many."), "ApiKey has no column 'acount_id'"),
    "a related column": (
        fields.from_related(
            lambda key: key,
            [],
            [fields.Related((fields.ToOne("id", ApiKey, "account_id"),), ("nmae",))],
            description="The name of its key.",
        ),
        "ApiKey has no column 'nmae'",
    ),
    "a resolver": (
        fields.resolver("A name.", declared=fields.ResolvedFrom(("nmae",)))(lambda root: root.nmae),
        "Account has no column 'nmae'",
    ),
}


@pytest.mark.parametrize(("declared", "said"), DECLARED.values(), ids=DECLARED)
def test_a_declared_column_that_the_model_lacks_is_refused_with_the_names_of_type_and_field(
    declared: object, said: str
) -> None:
    with pytest.raises(TypeError, match=rf"^Planted\.wrong: app\.[\w.]+\.{said}$"):
        types.new_class("Planted", (fields.Node[Account],), exec_body=lambda body: body.update(wrong=declared))


def test_a_list_that_orders_or_filters_by_a_column_that_the_model_lacks_is_refused() -> None:
    with pytest.raises(TypeError, match=r"^The list of Account: .* has no column 'nmae_key'$"):
        fields.PageOfAll(Account, order_columns=("nmae_key",))
    with pytest.raises(TypeError, match=r"^The list of Account: .* has no column 'actvie'$"):
        fields.PageOfAll(Account, conditions={"active": fields.Condition("actvie")})
    with pytest.raises(TypeError, match=r"^The list of Account: .* has no column 'soope'$"):
        fields.PageOfAll(Account, always={"soope": "ADMIN"})
    with pytest.raises(TypeError, match=r"^The list of ApiKey: .* has no column 'acount_id'$"):
        fields.PageOfAll(ApiKey, owners=fields.Owners(CallAccount, "acount_id", "newest_month"))


def test_every_type_with_column_fields_names_its_model() -> None:
    """Otherwise they are not checked."""
    for declared in schema.schema_converter.type_map.values():
        definition = declared.definition
        if not isinstance(definition, StrawberryObjectDefinition) or issubclass(definition.origin, fields.Payload):
            continue
        for field in definition.fields:
            if list(nodes._named_columns(object, field.metadata.get(declarations.DECLARED))):
                assert hasattr(definition.origin, "source"), f"{definition.name}.{field.python_name}"
