"""Decides whether an operation of a request may run for its caller; every refusal before anything runs is made here."""

from graphql import GraphQLError, GraphQLSchema, OperationType

from app.execution.documents import Document, Documents, Operation
from app.execution.limits import document_size
from app.execution.responses import GraphQLRequest, GraphQLResponse, error_with_code, request_error
from app.execution.restrictions import open_root_fields
from app.foundation.access import OpenTo, Restriction, Scope
from app.foundation.context import Context
from app.foundation.errors import ErrorCode, Unauthenticated


class Admission:
    """Knows the documents, and which of their root fields are open to callers that have not authenticated."""

    def __init__(self, schema: GraphQLSchema, *, anonymous_introspection: bool) -> None:
        self.documents = Documents(schema)
        # Of unauthenticated callers, whose documents push none of the others out of the cache.
        self._open_documents = Documents(
            schema,
            maximum_bytes=4_000_000,
            # Where the schema is not open, it is not said what is wrong.
            maximum_errors=document_size.MAXIMUM_ERRORS if anonymous_introspection else 1,
            may_be_open=self._may_be_open,
        )
        self._anonymous_introspection = anonymous_introspection
        self._open_fields = open_root_fields(schema, OpenTo.UNAUTHENTICATED)
        roots = filter(None, map(schema.get_root_type, OperationType))
        self._closed_fields = {name for root in roots for name in root.fields} - self._open_fields

    def type_of(self, request: GraphQLRequest) -> OperationType | None:
        """None where there is no such operation; running it says why."""
        operation = self.documents.read(request.query).operation(request.operation_name)
        return operation.type if operation is not None else None

    def needs_no_caller(self, request: GraphQLRequest) -> bool:
        """Whether the document holds nothing but what anybody may call. Introspection does not count: it may need one."""
        operations = self._open_documents.read(request.query).operations.values()
        return bool(operations) and not any(
            each.introspects or OpenTo.UNAUTHENTICATED not in each.open_to for each in operations
        )

    def admitted(
        self, request: GraphQLRequest, context: Context, *, only_queries: bool = False
    ) -> GraphQLResponse | Operation:
        """The operation, if this caller may run it; else what is said."""
        caller = context.caller
        document = (self.documents if caller is not None else self._open_documents).read(request.query)
        refusal = self._unreadable(document, context)
        if refusal is not None:
            return refusal
        restriction = caller.restriction if caller is not None else None
        most = (restriction and restriction.variable_values) or document_size.MAXIMUM_VARIABLE_VALUES
        if document_size.has_too_many_values(request.variables, most):
            return _bad(f"The variables have more than {most} values.", context)
        operation = document.operation(request.operation_name)
        if operation is None:
            return _bad(_NO_SUCH_OPERATION if request.operation_name else _WHICH_OPERATION, context)
        if only_queries and operation.type is not OperationType.QUERY:
            answer = _bad("GET is for queries alone; send this as POST.", context)
            answer.method_not_allowed = True
            return answer
        if caller is None and not self._is_open(operation):
            return unauthenticated(context, operation)
        if restriction is not None and not self._may_run(restriction, operation):
            return request_error([restriction.refusal()], context, operation)
        scope = caller.scope if caller is not None else Scope.ACCOUNT
        too_much: GraphQLError | None = operation.cost.refusal(request.variables, scope)
        return operation if too_much is None else request_error([too_much], context)

    def _unreadable(self, document: Document, context: Context) -> GraphQLResponse | None:
        """What is said of a document that is invalid, or that this caller may learn nothing about."""
        if document.needs_authentication:
            return unauthenticated(context)
        is_closed = context.caller is None and not self._anonymous_introspection
        if document.errors:
            # What is wrong with a document tells of the schema: not to those who may not read that.
            return (
                unauthenticated(context)
                if document.was_parsed and is_closed
                else request_error(document.errors, context)
            )
        # Whatever else would be wrong tells which documents are valid, and so what is in the schema.
        if is_closed and not all(map(self._is_open, document.operations.values())):
            return unauthenticated(context)
        return None

    def _is_open(self, operation: Operation) -> bool:
        """To unauthenticated callers."""
        return OpenTo.UNAUTHENTICATED in operation.open_to and (
            self._anonymous_introspection or not operation.introspects
        )

    def _may_run(self, restriction: Restriction, operation: Operation) -> bool:
        may_introspect = restriction.may_introspect or self._anonymous_introspection
        return restriction.open_to in operation.open_to and (may_introspect or not operation.introspects)

    def _may_be_open(self, operations: list[set[str]]) -> bool:
        """By their root fields. Where the schema is open, so is which fields there are not."""
        if not self._anonymous_introspection:
            return all(fields <= self._open_fields for fields in operations)
        return any(fields.isdisjoint(self._closed_fields) for fields in operations)


_NO_SUCH_OPERATION = "The document has no operation of the name in `operationName`."
_WHICH_OPERATION = "The document has several operations; say which in `operationName`."


def _bad(message: str, context: Context) -> GraphQLResponse:
    return request_error([error_with_code(message, ErrorCode.BAD_USER_INPUT)], context)


def unauthenticated(
    context: Context, operation: Operation | None = None, error: Unauthenticated | None = None
) -> GraphQLResponse:
    return request_error([error or Unauthenticated()], context, operation, ErrorCode.UNAUTHENTICATED)
