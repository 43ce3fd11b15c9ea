"""Decides whether an operation may run for its caller, by its document, size, root fields and cost.

`operations.py` makes the request errors that come later: of variables, of slots, and of subscriptions over HTTP.
"""

from graphql import GraphQLError, GraphQLSchema, OperationType

from app.execution.documents import Document, Documents, Operation
from app.execution.limits import document_size
from app.execution.responses import GraphQLRequest, GraphQLResponse, error_with_code, request_error
from app.execution.restrictions import open_root_fields
from app.foundation.access import OpenTo, Restriction, Scope
from app.foundation.context import Context
from app.foundation.errors import ErrorCode, Unauthenticated


class Admission:
    """Holds the document caches and the root fields that need no authentication."""

    def __init__(self, schema: GraphQLSchema, *, anonymous_introspection: bool) -> None:
        self.documents = Documents(schema)
        # A separate cache, so that documents of unauthenticated callers evict no others.
        self._open_documents = Documents(
            schema,
            maximum_bytes=4_000_000,
            # Without anonymous introspection, validation errors stay hidden: one is enough.
            maximum_errors=document_size.MAXIMUM_ERRORS if anonymous_introspection else 1,
            may_be_open=self._may_be_open,
        )
        self._anonymous_introspection = anonymous_introspection
        self._open_fields = open_root_fields(schema, OpenTo.UNAUTHENTICATED)
        roots = filter(None, map(schema.get_root_type, OperationType))
        self._closed_fields = {name for root in roots for name in root.fields} - self._open_fields

    def type_of(self, request: GraphQLRequest) -> OperationType | None:
        """None if there is no such operation; running the request reports the error."""
        operation = self.documents.read(request.query).operation(request.operation_name)
        return operation.type if operation is not None else None

    def needs_no_caller(self, request: GraphQLRequest) -> bool:
        """Whether all operations are open to unauthenticated callers. False for introspection: it may need a caller."""
        operations = self._open_documents.read(request.query).operations.values()
        return bool(operations) and not any(
            each.introspects or OpenTo.UNAUTHENTICATED not in each.open_to for each in operations
        )

    def admitted(
        self, request: GraphQLRequest, context: Context, *, only_queries: bool = False
    ) -> GraphQLResponse | Operation:
        """The operation if this caller may run it, otherwise a request error."""
        caller = context.caller
        document = (self.documents if caller is not None else self._open_documents).read(request.query)
        refusal = self._unreadable(document, context)
        if refusal is not None:
            return refusal
        restriction = caller.restriction if caller is not None else None
        maximum = (caller and caller.variable_values) or document_size.MAXIMUM_VARIABLE_VALUES
        if document_size.has_too_many_values(request.variables, maximum):
            return _bad_input(f"The variables have more than {maximum} values.", context)
        operation = document.operation(request.operation_name)
        if operation is None:
            return _bad_input(_UNKNOWN_OPERATION if request.operation_name else _SEVERAL_OPERATIONS, context)
        if only_queries and operation.type is not OperationType.QUERY:
            response = _bad_input("GET runs queries only: send this operation by POST.", context)
            response.method_not_allowed = True
            return response
        if caller is None and not self._is_open(operation):
            return unauthenticated(context, operation)
        if restriction is not None and not self._may_run(restriction, operation):
            return request_error([restriction.refusal()], context, operation)
        scope = caller.scope if caller is not None else Scope.ACCOUNT
        cost_error: GraphQLError | None = operation.cost.refusal(request.variables, scope)
        return operation if cost_error is None else request_error([cost_error], context)

    def _unreadable(self, document: Document, context: Context) -> GraphQLResponse | None:
        """The request error for a document that is invalid or hidden from this caller; None if there is none."""
        if document.needs_authentication:
            return unauthenticated(context)
        is_closed = context.caller is None and not self._anonymous_introspection
        if document.errors:
            # Validation errors reveal the schema to callers that may not introspect it.
            return (
                unauthenticated(context)
                if document.was_parsed and is_closed
                else request_error(document.errors, context)
            )
        # Later errors would reveal that the document is valid, and so what the schema contains.
        if is_closed and not all(map(self._is_open, document.operations.values())):
            return unauthenticated(context)
        return None

    def _is_open(self, operation: Operation) -> bool:
        """Whether unauthenticated callers may run the operation."""
        return OpenTo.UNAUTHENTICATED in operation.open_to and (
            self._anonymous_introspection or not operation.introspects
        )

    def _may_run(self, restriction: Restriction, operation: Operation) -> bool:
        may_introspect = restriction.may_introspect or self._anonymous_introspection
        return restriction.open_to in operation.open_to and (may_introspect or not operation.introspects)

    def _may_be_open(self, operations: list[set[str]]) -> bool:
        """Whether to validate operations with these root fields. With anonymous introspection, no field name is secret."""
        if not self._anonymous_introspection:
            return all(fields <= self._open_fields for fields in operations)
        return any(fields.isdisjoint(self._closed_fields) for fields in operations)


_UNKNOWN_OPERATION = "The document has no operation with the name in `operationName`."
_SEVERAL_OPERATIONS = "The document has several operations: name one of them in `operationName`."


def _bad_input(message: str, context: Context) -> GraphQLResponse:
    return request_error([error_with_code(message, ErrorCode.BAD_USER_INPUT)], context)


def unauthenticated(
    context: Context, operation: Operation | None = None, error: Unauthenticated | None = None
) -> GraphQLResponse:
    return request_error([error or Unauthenticated()], context, operation, ErrorCode.UNAUTHENTICATED)
