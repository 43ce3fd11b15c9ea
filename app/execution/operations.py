"""Runs one operation and turns what went wrong into errors that a client may see.

Long because every refusal of an operation is decided here, in one order.
"""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import aclosing, nullcontext
from dataclasses import dataclass
from typing import Any, cast
from weakref import WeakKeyDictionary

import structlog
from graphql import (
    ExecutionResult,
    FragmentDefinitionNode,
    GraphQLError,
    OperationDefinitionNode,
    OperationType,
    create_source_event_stream,
    located_error,
)
from strawberry import Schema

from app import postgres_pool
from app.access import AccessLevel, Scope
from app.context import Context
from app.encryption import KeyMissing
from app.errors import (
    MASKED,
    ErrorCode,
    Forbidden,
    RateLimited,
    ServiceUnavailable,
    Unauthenticated,
    for_client,
    without_values,
)
from app.execution import limits
from app.execution.deadline import Deadline
from app.execution.documents import OPEN_TO_ANYBODY, Document, Documents, Operation
from app.execution.executor import Executor
from app.execution.invalid_values import told, without_suggestions
from app.execution.plans import CompiledOperation, Plans
from app.execution.reading import DirectResolvers, Replayed
from app.execution.running import NOTHING_RAN, Finished, Unfinished
from app.execution.slots import OperationSlots
from app.live import EventsLost
from app.logs import frames_of

# Of all subscriptions of a worker: a thousand events that come at once leave room for requests.
EVENTS_AT_ONCE = 4

_log = structlog.get_logger("execution")


@dataclass(frozen=True)
class Request:
    """A well-formed GraphQL request."""

    query: str
    variables: dict[str, Any] | None = None
    operation_name: str | None = None


@dataclass
class Answer:
    """What goes back. `executed` is False when the request itself was wrong and nothing ran: then there is no `data`."""

    executed: bool
    data: dict[str, Any] | None = None
    errors: list[dict[str, Any]] | None = None
    operation: Operation | None = None
    # Set where the transport has a status of its own for a refusal (401, 405, 429).
    refused: ErrorCode | None = None
    wrong_method: bool = False
    compiled: bool = False

    def body(self) -> dict[str, Any]:
        body: dict[str, Any] = {}
        if self.errors:
            body["errors"] = self.errors
        if self.executed:
            body["data"] = self.data
        return body

    @property
    def codes(self) -> list[str]:
        return sorted({error["extensions"]["code"] for error in self.errors or ()})


class Operations:
    """The schema, ready to run operations."""

    def __init__(
        self, schema: Schema, *, anonymous_introspection: bool, operations_per_caller: int, compiles: bool = True
    ) -> None:
        self._schema = without_suggestions(schema._schema)
        self._documents = Documents(self._schema)
        # Of unauthenticated callers, whose documents push none of the others out of the cache.
        self._open_documents = Documents(
            self._schema,
            maximum_characters=400_000,
            maximum_tokens=5_000,
            # Where the schema is not open, it is not said what is wrong.
            maximum_errors=limits.MAXIMUM_ERRORS if anonymous_introspection else 1,
            may_be_open=self._may_be_open,
        )
        self._resolvers = DirectResolvers(self._schema)
        roots = filter(None, map(self._schema.get_root_type, OperationType))
        self._closed_fields = {name for root in roots for name in root.fields} - OPEN_TO_ANYBODY
        self._anonymous_introspection = anonymous_introspection
        self._compiles = compiles
        # As long as its document is kept.
        self._compiled_operations: WeakKeyDictionary[Operation, CompiledOperation] = WeakKeyDictionary()
        self._plans = Plans()
        self._events_at_once = asyncio.Semaphore(EVENTS_AT_ONCE)
        self._slots = OperationSlots(operations_per_caller)

    async def run(
        self, request: Request, context: Context, *, only_queries: bool = False, spent_seconds: float = 0.0
    ) -> Answer:
        """The answer to a query or a mutation; `spent_seconds` is what its request has waited for already."""
        admitted = self._admitted(request, context, only_queries=only_queries)
        if isinstance(admitted, Answer):
            return admitted
        document, operation = admitted
        if operation.type is OperationType.SUBSCRIPTION:
            message = "Subscriptions need a WebSocket (graphql-transport-ws)."
            return _refused([_coded(message, ErrorCode.BAD_USER_INPUT)], context)
        try:
            async with Deadline(spent_seconds) as deadline, self._slots.slot(context, deadline.paused):
                return await self._answer(document, operation, request, context)
        except TimeoutError:
            return _too_late(context, operation)
        except RateLimited as limited:
            return _too_many(limited, context, operation)
        except Unauthenticated as refused:
            return _unauthenticated(context, operation, refused)
        except ServiceUnavailable as away:
            return _refused([away], context)

    async def _answer(self, document: Document, operation: Operation, request: Request, context: Context) -> Answer:
        left = NOTHING_RAN
        if self._compiles and context.caller is not None:
            compiled = await self._compiled(document, operation, request, context)
            if isinstance(compiled, Answer):
                return compiled
            left = compiled
        with postgres_pool.given_up() if left.without_database else nullcontext():
            return await self._execute(document.node, request, operation, context, left)

    async def subscribe(
        self, request: Request, context: Context, renewed: Callable[[], Awaitable[Context]]
    ) -> Answer | AsyncGenerator[Answer, None]:
        """The answers of a subscription as events come, each with a context that `renewed` makes; or why there are none.

        An answer that was not executed is the last one. Raises EventsLost while it is iterated, and what `renewed` raises.
        """
        admitted = self._admitted(request, context)
        if isinstance(admitted, Answer):
            return admitted
        executor = self._executor(admitted[0].node, request, context, NOTHING_RAN)
        if isinstance(executor, Answer):
            return executor
        events = create_source_event_stream(executor)
        if isinstance(events, Awaitable):
            events = await events
        if isinstance(events, ExecutionResult):
            return _refused(events.errors, context)
        return self._answers(cast("AsyncGenerator[Any, None]", events), request, context, renewed)

    def type_of(self, request: Request) -> OperationType | None:
        """None where there is no such operation; running it says why."""
        operation = self._documents.read(request.query).operation(request.operation_name)
        return operation.type if operation is not None else None

    def needs_no_caller(self, request: Request) -> bool:
        """Whether the document holds nothing but what anybody may call. Introspection does not count: it may need one."""
        document = self._open_documents.read(request.query)
        return document.node is not None and not any(
            each.reads_data or each.introspects for each in document.operations.values()
        )

    async def _answers(
        self,
        events: AsyncGenerator[Any, None],
        request: Request,
        context: Context,
        renewed: Callable[[], Awaitable[Context]],
    ) -> AsyncGenerator[Answer, None]:
        async with aclosing(events):
            while True:
                try:
                    event = await anext(events)
                except EventsLost:
                    raise
                except Exception as error:  # noqa: BLE001  told like any other error, masked if need be
                    yield _refused([located_error(error)], context)
                    return
                try:
                    context = await renewed()
                except ServiceUnavailable as away:
                    yield Answer(executed=True, errors=[_shown(away, context)])
                    continue
                async with self._slots.slot(context, is_event=True), self._events_at_once:
                    answer = await self._of_event(event, request, context)
                if (
                    not answer.executed
                    or answer.errors
                    or any(value is not None for value in (answer.data or {}).values())
                ):
                    yield answer
                if not answer.executed:
                    return

    async def _of_event(self, event: Any, request: Request, context: Context) -> Answer:
        admitted = self._admitted(
            request, context
        )  # who was let in may have been told to choose a new password meanwhile
        if isinstance(admitted, Answer):
            return admitted
        document, operation = admitted
        try:
            async with Deadline():
                return await self._execute(document.node, request, operation, context, NOTHING_RAN, event)
        except TimeoutError:
            return _too_late(context, operation)

    def _admitted(
        self, request: Request, context: Context, *, only_queries: bool = False
    ) -> Answer | tuple[Document, Operation]:
        """The operation, if this caller may run it; else what is said."""
        documents = self._documents if context.caller is not None else self._open_documents
        document = documents.read(request.query)
        if document.needs_authentication:
            return _unauthenticated(context)
        if document.node is None:
            # What is wrong with a document tells of the schema: not to those who may not read that.
            if document.was_parsed and context.caller is None and not self._anonymous_introspection:
                return _unauthenticated(context)
            return _refused(document.errors, context)
        if context.caller is None and not self._anonymous_introspection:
            # Whatever else would be wrong tells which documents are valid, and so what is in the schema.
            for each in document.operations.values():
                if not self._open_to_anybody(each):
                    return _unauthenticated(context)
        most = limits.MAXIMUM_VALUES_OF_GATEWAYS if _is_gateway(context) else limits.MAXIMUM_VARIABLE_VALUES
        if limits.has_too_many_values(request.variables, most):
            message = f"The variables have more than {most} values."
            return _refused([_coded(message, ErrorCode.BAD_USER_INPUT)], context)
        operation = document.operation(request.operation_name)
        if operation is None:
            message = (
                "The document has no operation of the name in `operationName`."
                if request.operation_name
                else "The document has several operations; say which in `operationName`."
            )
            return _refused([_coded(message, ErrorCode.BAD_USER_INPUT)], context)
        if only_queries and operation.type is not OperationType.QUERY:
            answer = _refused(
                [_coded("GET is for queries alone; send this as POST.", ErrorCode.BAD_USER_INPUT)], context
            )
            answer.wrong_method = True
            return answer
        if context.caller is None and not self._open_to_anybody(operation):
            return _unauthenticated(context, operation)
        if context.caller is not None and context.caller.must_change_password and not self._leads_in(operation):
            return _password_first(context, operation)
        if _is_gateway(context) and not operation.is_for_gateways:
            return _not_for_gateways(context, operation)
        scope = context.caller.scope if context.caller is not None else Scope.ACCOUNT
        too_much = operation.cost.refusal(request.variables, scope)
        if too_much is not None:
            return _refused([too_much], context)
        return document, operation

    async def _compiled(
        self, document: Document, operation: Operation, request: Request, context: Context
    ) -> Answer | Unfinished:
        """The answer by the operation's plan, or what the ordinary executor has to finish."""
        compiled = self._compiled_operations.get(operation)
        if compiled is None:
            compiled = self._compiled_operations[operation] = self._made(document, operation)
        try:
            result = await compiled.run(context, request.variables)
        except Exception as error:  # noqa: BLE001  nothing was changed; the ordinary executor meets it again and says it
            _log.debug("fell back", request_id=context.request_id, error=type(error).__qualname__)
            return NOTHING_RAN
        if isinstance(result, Finished):
            return Answer(executed=True, data=result.data, operation=operation, compiled=True)
        return result

    def _made(self, document: Document, operation: Operation) -> CompiledOperation:
        definitions = document.node.definitions if document.node else ()
        fragments = {node.name.value: node for node in definitions if isinstance(node, FragmentDefinitionNode)}
        node = next(
            node
            for node in definitions
            if isinstance(node, OperationDefinitionNode) and (node.name.value if node.name else None) == operation.name
        )
        return CompiledOperation(self._schema, node, fragments, self._plans)

    def _may_be_open(self, operations: list[set[str]]) -> bool:
        """By their root fields. Where the schema is open, so is which fields there are not."""
        if not self._anonymous_introspection:
            return all(fields <= OPEN_TO_ANYBODY for fields in operations)
        return any(fields.isdisjoint(self._closed_fields) for fields in operations)

    def _open_to_anybody(self, operation: Operation) -> bool:
        return not operation.reads_data and (self._anonymous_introspection or not operation.introspects)

    def _leads_in(self, operation: Operation) -> bool:
        return operation.is_for_entering and (self._anonymous_introspection or not operation.introspects)

    async def _execute(
        self,
        document: Any,
        request: Request,
        operation: Operation,
        context: Context,
        left: Unfinished,
        event: Any = None,
    ) -> Answer:
        executor = self._executor(document, request, context, left, event)
        if isinstance(executor, Answer):
            return executor
        executor.made = {name: outcome.shown[0] for name, outcome in left.outcomes.items() if outcome.shown}
        try:
            return await _run(executor, operation, context)
        finally:
            executor.let_go()

    def _executor(
        self, document: Any, request: Request, context: Context, left: Unfinished, event: Any = None
    ) -> Executor | Answer:
        """The ordinary executor; what is said when the variables do not fit."""
        executor = cast(
            "Executor | list[GraphQLError]",
            Executor.build(
                self._schema,
                document,
                root_value=event,
                context_value=context,
                raw_variable_values=request.variables,
                operation_name=request.operation_name,
                middleware=Replayed(self._resolvers, left.outcomes) if left.outcomes else self._resolvers,
                max_coercion_errors=limits.MAXIMUM_ERRORS,
                hide_suggestions=True,
            ),
        )
        if isinstance(executor, list):  # variables that do not fit; nothing ran
            messages = [told(error.message, self._schema) for error in executor]
            errors = zip(messages, executor, strict=True)
            return _refused([_coded(message, ErrorCode.BAD_USER_INPUT, error) for message, error in errors], context)
        return executor


async def _run(executor: Executor, operation: Operation, context: Context) -> Answer:
    result = executor.execute_operation()
    if asyncio.iscoroutine(result) or isinstance(result, asyncio.Future):
        result = await result
    result = cast("ExecutionResult", result)
    if executor.exhausted is not None:
        return Answer(executed=True, errors=[_shown(executor.exhausted, context)], operation=operation)
    errors = [_shown(error, context) for error in sorted(result.errors or (), key=_place)]
    return Answer(executed=True, data=result.data, errors=errors or None, operation=operation)


def _place(error: GraphQLError) -> tuple[list[int], list[tuple[bool, str | int]]]:
    """Errors stand in the order of the document: fields run at the same time, and which one fails first is chance."""
    return list(error.positions or ()), [(isinstance(step, str), step) for step in error.path or ()]


def _refused(errors: Any, context: Context) -> Answer:
    return Answer(executed=False, errors=[_shown(error, context) for error in errors])


def _too_late(context: Context, operation: Operation) -> Answer:
    late = ServiceUnavailable("The operation took too long and was stopped. Try again in a moment.")
    return Answer(executed=True, errors=[_shown(late, context)], operation=operation)


def _too_many(limited: RateLimited, context: Context, operation: Operation) -> Answer:
    answer = _refused([limited], context)
    answer.operation, answer.refused = operation, ErrorCode.RATE_LIMITED
    return answer


def _unauthenticated(
    context: Context, operation: Operation | None = None, error: Unauthenticated | None = None
) -> Answer:
    answer = _refused([error or Unauthenticated()], context)
    answer.operation, answer.refused = operation, ErrorCode.UNAUTHENTICATED
    return answer


def _password_first(context: Context, operation: Operation) -> Answer:
    message = (
        "Choose a new password first, with `changePassword`; until then only `viewer`, `passwordPolicy` and `logout` "
        "are open beside it."
    )
    answer = _refused([Forbidden(message, reason="PASSWORD_CHANGE_REQUIRED")], context)
    answer.operation = operation
    return answer


def _is_gateway(context: Context) -> bool:
    return context.caller is not None and context.caller.access_level is AccessLevel.GATEWAY


def _not_for_gateways(context: Context, operation: Operation) -> Answer:
    message = (
        "A voice gateway's key may ask `viewer` for itself, send `reportCalls` and record calls, and nothing else."
    )
    answer = _refused([Forbidden(message, requiredAccess=AccessLevel.READ_ONLY.name)], context)
    answer.operation = operation
    return answer


def _coded(message: str, code: ErrorCode, located: GraphQLError | None = None) -> GraphQLError:
    return GraphQLError(message, located.nodes if located else None, extensions={"code": str(code)})


def _shown(error: GraphQLError, context: Context) -> dict[str, Any]:
    """What a client sees of an error; what is not meant for clients is masked and logged."""
    formatted = dict(error.formatted)
    extensions = dict(error.extensions or {})
    if "code" not in extensions:
        original = error.original_error
        known = for_client(original) if original is not None else None
        if known is not None:
            if isinstance(original, KeyMissing):  # nobody but its operator can mend it
                _log_masked(original, error, context)
            formatted["message"], extensions = known.message, dict(known.extensions or {})
        elif original is None or isinstance(original, GraphQLError):
            formatted["message"] = without_values(error.message)
            extensions["code"] = str(ErrorCode.BAD_USER_INPUT)  # graphql-core's own: an argument that does not fit
        else:
            _log_masked(original, error, context)
            formatted["message"] = MASKED
            extensions = {"code": str(ErrorCode.INTERNAL_SERVER_ERROR)}
    formatted["extensions"] = {**extensions, "requestId": context.request_id}
    return formatted


def _log_masked(original: BaseException, error: GraphQLError, context: Context) -> None:
    # Where it happened and of which kind, but not the message: those of databases carry the values.
    _log.error(
        "masked error",
        request_id=context.request_id,
        error=type(original).__qualname__,
        path=".".join(map(str, error.path or ())),
        frames=frames_of(original),
    )
