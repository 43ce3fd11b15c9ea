"""Runs operations, each within one deadline and one slot of its caller.

A query is read by its plan, or by the ordinary executor where it has none or the plan fails. The fields of a mutation are called
one after the other, each once: here if all of them have plans, else by the ordinary executor. What a plan fails to read of a
payload the ordinary executor reads.
"""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import aclosing
from dataclasses import replace
from functools import partial
from typing import Any

from graphql import (
    ExecutionResult,
    FieldNode,
    GraphQLError,
    OperationDefinitionNode,
    OperationType,
    SelectionSetNode,
    create_source_event_stream,
    default_field_resolver,
    default_type_resolver,
    located_error,
)
from graphql.execution.collect_fields import FragmentDetails
from graphql.execution.values import VariableValues, get_variable_values
from strawberry import Schema

from app.execution.admission import Admission, unauthenticated
from app.execution.compiler import run as running
from app.execution.compiler.plans import Changes
from app.execution.compiler.run import Runnable
from app.execution.documents import Operation
from app.execution.executor.direct_fields import Answered, DirectResolvers
from app.execution.executor.reference import Executor
from app.execution.invalid_values import told, without_suggestions
from app.execution.limits import document_size
from app.execution.limits.deadline import Deadline
from app.execution.limits.slots import OperationSlots
from app.execution.responses import Answer, Request, coded, refused, shown_error
from app.execution.values import JsonObject
from app.foundation.context import Context
from app.foundation.errors import ErrorCode, RateLimited, ServiceUnavailable, Unauthenticated
from app.foundation.events import EventsLost

# Of all subscriptions of a worker: a thousand events that come at once leave room for requests.
EVENTS_AT_ONCE = 4


class Operations:
    """The schema, ready to run operations."""

    def __init__(
        self, schema: Schema, *, anonymous_introspection: bool, operations_per_caller: int, compiles: bool = True
    ) -> None:
        self._schema = without_suggestions(schema._schema)
        self._admission = Admission(self._schema, anonymous_introspection=anonymous_introspection)
        self.type_of = self._admission.type_of
        self.needs_no_caller = self._admission.needs_no_caller
        self._resolvers = DirectResolvers(self._schema, schema.config)
        self._compiles = compiles
        self._events_at_once = asyncio.Semaphore(EVENTS_AT_ONCE)
        self._slots = OperationSlots(operations_per_caller)

    async def run(
        self, request: Request, context: Context, *, only_queries: bool = False, spent_seconds: float = 0.0
    ) -> Answer:
        """The answer to a query or a mutation; `spent_seconds` is what its request has waited for already."""
        operation = self._admission.admitted(request, context, only_queries=only_queries)
        if isinstance(operation, Answer):
            return operation
        if operation.type is OperationType.SUBSCRIPTION:
            message = "Subscriptions need a WebSocket (graphql-transport-ws)."
            return refused([coded(message, ErrorCode.BAD_USER_INPUT)], context)
        try:
            async with Deadline(spent_seconds) as deadline, self._slots.slot(context, deadline.paused):
                return await self._answer(operation, request, context)
        except TimeoutError:
            return _too_late(context, operation)
        except RateLimited as limited:
            return refused([limited], context, operation, ErrorCode.RATE_LIMITED)
        except Unauthenticated as error:
            return unauthenticated(context, operation, error)
        except ServiceUnavailable as away:
            return refused([away], context)

    async def _answer(self, operation: Operation, request: Request, context: Context) -> Answer:
        execute = partial(self._execute, operation, request, context)
        if not self._compiles or context.caller is None:
            return await execute()
        if operation.type is OperationType.MUTATION:
            changes = operation.plans.mutation(request.variables, context.viewer)
            if changes is not None:
                return await self._change(operation, request, context, *changes)
        else:
            planned = operation.plans.query(request.variables, context.viewer)
            if planned is not None:
                plan, variables = planned

                async def by_plan() -> Answer:
                    data = await plan.run(context, variables)
                    return Answer(executed=True, data=data, operation=operation, compiled=True)

                return await running.read(by_plan(), execute, context.request_id)
        return await execute()

    async def _change(
        self, operation: Operation, request: Request, context: Context, changes: Changes, variables: VariableValues
    ) -> Answer:
        data: JsonObject = {}
        errors: list[JsonObject] = []
        compiled = False
        for name, (effect, arguments, runnable) in changes.items():
            data[name] = None
            if effect is None:
                data[name] = await runnable.run(context, variables)
                continue
            try:
                payload: Any = effect.resolver.call(None, context, arguments)
                payload = await payload
            except Exception as error:  # noqa: BLE001  told like any other error, masked if need be
                errors.append(shown_error(located_error(error, effect.nodes, [name]), context))
                continue
            by_plan = self._read(name, runnable, context, variables, payload)
            walked = partial(self._walk, operation, effect.nodes, request, context, payload)
            answer = await running.read(by_plan, walked, context.request_id)
            if answer.data is None:  # it asks for too much
                return answer
            data |= answer.data
            errors += answer.errors or ()
            compiled |= answer.compiled
        return Answer(executed=True, data=data, errors=errors or None, operation=operation, compiled=compiled)

    @staticmethod
    async def _read(
        name: str, runnable: Runnable, context: Context, variables: VariableValues, payload: object
    ) -> Answer:
        return Answer(executed=True, data={name: await runnable.run(context, variables, payload)}, compiled=True)

    async def _walk(
        self, operation: Operation, nodes: list[FieldNode], request: Request, context: Context, payload: object
    ) -> Answer:
        """As `_read`, by the ordinary executor."""
        node = OperationDefinitionNode(
            operation=operation.type,
            variable_definitions=operation.node.variable_definitions,
            selection_set=SelectionSetNode(selections=tuple(nodes)),
        )
        return await self._execute(replace(operation, node=node), request, context, Answered(payload))

    async def subscribe(
        self, request: Request, context: Context, renewed: Callable[[], Awaitable[Context]]
    ) -> Answer | AsyncGenerator[Answer, None]:
        """The answers of a subscription as events come, each with a context that `renewed` makes; or why there are none.

        Callers close the generator at the first answer that was not executed. Raises EventsLost while it is iterated, and what
        `renewed` raises.
        """
        operation = self._admission.admitted(request, context)
        if isinstance(operation, Answer):
            return operation
        executor = self._executor(operation, request, context)
        if isinstance(executor, Answer):
            return executor
        events = create_source_event_stream(executor)
        if isinstance(events, ExecutionResult):
            return refused(events.errors or (), context)
        if not isinstance(events, AsyncGenerator):
            raise TypeError("the resolver of a subscription is an asynchronous generator")
        return self._answers(events, request, context, renewed)

    async def _answers(
        self,
        events: AsyncGenerator[object, None],
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
                    yield refused([located_error(error)], context)
                try:
                    context = await renewed()
                except ServiceUnavailable as away:
                    yield Answer(executed=True, errors=[shown_error(away, context)])
                    continue
                async with self._slots.slot(context, is_event=True), self._events_at_once:
                    answer = await self._of_event(event, request, context)
                if (
                    not answer.executed
                    or answer.errors
                    or any(value is not None for value in (answer.data or {}).values())
                ):
                    yield answer

    async def _of_event(self, event: object, request: Request, context: Context) -> Answer:
        # The caller may have to choose a new password since the event before.
        operation = self._admission.admitted(request, context)
        if isinstance(operation, Answer):
            return operation
        try:
            async with Deadline():
                return await self._execute(operation, request, context, event)
        except TimeoutError:
            return _too_late(context, operation)

    async def _execute(self, operation: Operation, request: Request, context: Context, event: object = None) -> Answer:
        """By the ordinary executor."""
        executor = self._executor(operation, request, context, event)
        if isinstance(executor, Answer):
            return executor
        try:
            result: Any = executor.execute_operation()
            if asyncio.iscoroutine(result) or isinstance(result, asyncio.Future):
                result = await result
            if executor.exhausted is not None:
                return Answer(executed=True, errors=[shown_error(executor.exhausted, context)], operation=operation)
            errors = [shown_error(error, context) for error in sorted(result.errors or (), key=_place)]
            return Answer(executed=True, data=result.data, errors=errors or None, operation=operation)
        finally:
            executor.release()

    def _executor(
        self, operation: Operation, request: Request, context: Context, event: object = None
    ) -> Executor | Answer:
        """The ordinary executor; what is said when the variables do not fit."""
        definitions = operation.node.variable_definitions or ()
        given, most = request.variables or {}, document_size.MAXIMUM_ERRORS
        variables: VariableValues | list[GraphQLError] | None = None
        if self._compiles:
            variables = operation.plans.variables.usual(given)
        if variables is None:
            variables = get_variable_values(self._schema, definitions, given, max_errors=most, hide_suggestions=True)
        if isinstance(variables, list):  # nothing ran
            messages = [told(error.message, self._schema) for error in variables]
            errors = zip(messages, variables, strict=True)
            return refused([coded(message, ErrorCode.BAD_USER_INPUT, error) for message, error in errors], context)
        return Executor(
            self._schema,
            dict(operation.fragments),
            {name: FragmentDetails(node) for name, node in operation.fragments.items()},
            event,
            context,
            operation.node,
            variables,
            default_field_resolver,
            default_type_resolver,
            default_field_resolver,
            middleware_manager=self._resolvers,
            hide_suggestions=True,
        )


def _place(error: GraphQLError) -> tuple[list[int], list[tuple[bool, str | int]]]:
    """Errors stand in the order of the document: fields run at the same time, and which one fails first is chance."""
    return list(error.positions or ()), [(isinstance(step, str), step) for step in error.path or ()]


def _too_late(context: Context, operation: Operation) -> Answer:
    late = ServiceUnavailable("The operation took too long and was stopped. Try again in a moment.")
    return Answer(executed=True, errors=[shown_error(late, context)], operation=operation)
