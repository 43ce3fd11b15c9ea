"""Runs operations, each within one deadline and one slot of its caller.

A query runs by its plan, or by the reference executor where it has no plan or the plan fails. The resolvers of a mutation's
fields run one after the other, each once: here if all of them have plans, otherwise in the reference executor. A payload is
read by its plan, and by the reference executor where that fails.
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
from app.execution.compiler.plans import MutationPlans
from app.execution.compiler.run import CompiledPlan, run_or_fall_back
from app.execution.documents import Operation
from app.execution.executor.direct_fields import DirectResolvers, MutationPayload
from app.execution.executor.reference import ReferenceExecutor, WorkBudget
from app.execution.invalid_values import without_suggestions, without_value
from app.execution.limits import document_size
from app.execution.limits.deadline import Deadline
from app.execution.limits.slots import OperationSlots
from app.execution.responses import GraphQLRequest, GraphQLResponse, error_with_code, formatted_error, request_error
from app.execution.values import JsonObject
from app.foundation.context import Context
from app.foundation.errors import ErrorCode, RateLimited, ServiceUnavailable, Unauthenticated
from app.foundation.events import EventsLost

# Per worker, over all subscriptions: a burst of a thousand events leaves capacity for requests.
CONCURRENT_EVENTS = 4


class Operations:
    """Runs the operations of one schema."""

    def __init__(
        self, schema: Schema, *, anonymous_introspection: bool, operations_per_caller: int, compiles: bool = True
    ) -> None:
        self._schema = without_suggestions(schema._schema)
        self._admission = Admission(self._schema, anonymous_introspection=anonymous_introspection)
        self.type_of = self._admission.type_of
        self.needs_no_caller = self._admission.needs_no_caller
        self._resolvers = DirectResolvers(self._schema, schema.config)
        self._compiles = compiles
        self._concurrent_events = asyncio.Semaphore(CONCURRENT_EVENTS)
        self._slots = OperationSlots(operations_per_caller)

    async def run(
        self, request: GraphQLRequest, context: Context, *, only_queries: bool = False, spent_seconds: float = 0.0
    ) -> GraphQLResponse:
        """Runs a query or a mutation. `spent_seconds` of the deadline have passed already."""
        operation = self._admission.admitted(request, context, only_queries=only_queries)
        if isinstance(operation, GraphQLResponse):
            return operation
        if operation.type is OperationType.SUBSCRIPTION:
            message = "Subscriptions need a WebSocket (graphql-transport-ws)."
            return request_error([error_with_code(message, ErrorCode.BAD_USER_INPUT)], context)
        caller = context.caller
        try:
            async with Deadline(spent_seconds) as deadline, self._slots.slot(context, deadline.paused):
                if context.caller is not caller:  # it has changed during the wait for a slot
                    refusal = self._admission.admitted(request, context, only_queries=only_queries)
                    if isinstance(refusal, GraphQLResponse):
                        return refusal
                return await self._run(operation, request, context)
        except TimeoutError:
            return _timed_out(context, operation)
        except RateLimited as error:
            return request_error([error], context, operation, ErrorCode.RATE_LIMITED)
        except Unauthenticated as error:
            return unauthenticated(context, operation, error)
        except ServiceUnavailable as error:
            return request_error([error], context)

    async def _run(self, operation: Operation, request: GraphQLRequest, context: Context) -> GraphQLResponse:
        execute = partial(self._execute, operation, request, context)
        if not self._compiles or context.caller is None:
            return await execute()
        if operation.type is OperationType.MUTATION:
            plans = operation.plans.mutation(request.variables, context.viewer)
            if plans is not None:
                return await self._mutate(operation, request, context, *plans)
        else:
            planned = operation.plans.query(request.variables, context.viewer)
            if planned is not None:
                plan, variables = planned

                async def by_plan() -> GraphQLResponse:
                    data = await plan.run(context, variables)
                    return GraphQLResponse(executed=True, data=data, operation=operation, compiled=True)

                return await run_or_fall_back(by_plan(), execute, context.request_id)
        return await execute()

    async def _mutate(
        self,
        operation: Operation,
        request: GraphQLRequest,
        context: Context,
        plans: MutationPlans,
        variables: VariableValues,
    ) -> GraphQLResponse:
        data: JsonObject = {}
        errors: list[JsonObject] = []
        compiled, budget = False, WorkBudget()
        for name, (effect, arguments, compiled_plan) in plans.items():
            data[name] = None
            if effect is None:
                data[name] = await compiled_plan.run(context, variables)
                continue
            try:
                payload: Any = effect.resolver.call(None, context, arguments)
                payload = await payload
            except Exception as error:  # noqa: BLE001  reported as any field error
                errors.append(formatted_error(located_error(error, effect.nodes, [name]), context))
                continue
            by_plan = self._read_by_plan(name, compiled_plan, context, variables, payload)
            by_reference = partial(self._read_by_reference, operation, effect.nodes, request, context, payload, budget)
            response = await run_or_fall_back(by_plan, by_reference, context.request_id)
            if response.data is None:  # it exceeds MAXIMUM_WORK
                return response
            data |= response.data
            errors += response.errors or ()
            compiled |= response.compiled
        errors.sort(key=_position)
        return GraphQLResponse(executed=True, data=data, errors=errors or None, operation=operation, compiled=compiled)

    @staticmethod
    async def _read_by_plan(
        name: str, compiled_plan: CompiledPlan, context: Context, variables: VariableValues, payload: object
    ) -> GraphQLResponse:
        return GraphQLResponse(
            executed=True, data={name: await compiled_plan.run(context, variables, payload)}, compiled=True
        )

    async def _read_by_reference(
        self,
        operation: Operation,
        nodes: list[FieldNode],
        request: GraphQLRequest,
        context: Context,
        payload: object,
        budget: WorkBudget,
    ) -> GraphQLResponse:
        """Reads a payload with the reference executor."""
        node = OperationDefinitionNode(
            operation=operation.type,
            variable_definitions=operation.node.variable_definitions,
            selection_set=SelectionSetNode(selections=tuple(nodes)),
        )
        return await self._execute(replace(operation, node=node), request, context, MutationPayload(payload), budget)

    async def subscribe(
        self, request: GraphQLRequest, context: Context, new_context: Callable[[], Awaitable[Context]]
    ) -> GraphQLResponse | AsyncGenerator[GraphQLResponse, None]:
        """The responses of a subscription, one for each event, each with a context from `new_context`; or the request error.

        Callers close the generator at the first response that was not executed. While iterated, raises EventsLost and what
        `new_context` raises.
        """
        operation = self._admission.admitted(request, context)
        if isinstance(operation, GraphQLResponse):
            return operation
        executor = self._executor(operation, request, context)
        if isinstance(executor, GraphQLResponse):
            return executor
        events = create_source_event_stream(executor)
        if isinstance(events, ExecutionResult):
            return request_error(events.errors or (), context)
        if not isinstance(events, AsyncGenerator):
            raise TypeError("the resolver of a subscription must be an asynchronous generator")
        return self._responses(events, request, context, new_context)

    async def _responses(
        self,
        events: AsyncGenerator[object, None],
        request: GraphQLRequest,
        context: Context,
        new_context: Callable[[], Awaitable[Context]],
    ) -> AsyncGenerator[GraphQLResponse, None]:
        async with aclosing(events):
            while True:
                try:
                    event = await anext(events)
                except EventsLost:
                    raise
                except Exception as error:  # noqa: BLE001  reported as any field error
                    yield request_error([located_error(error)], context)
                try:
                    context = await new_context()
                    async with self._slots.slot(context, is_event=True), self._concurrent_events:
                        await context.refresh_caller()
                        response = await self._run_event(event, request, context)
                except ServiceUnavailable as error:
                    yield GraphQLResponse(executed=True, errors=[formatted_error(error, context)])
                    continue
                if (
                    not response.executed
                    or response.errors
                    or any(value is not None for value in (response.data or {}).values())
                ):
                    yield response

    async def _run_event(self, event: object, request: GraphQLRequest, context: Context) -> GraphQLResponse:
        # Since the last event the caller may have been required to choose a new password.
        operation = self._admission.admitted(request, context)
        if isinstance(operation, GraphQLResponse):
            return operation
        try:
            async with Deadline():
                return await self._execute(operation, request, context, event)
        except TimeoutError:
            return _timed_out(context, operation)

    async def _execute(
        self,
        operation: Operation,
        request: GraphQLRequest,
        context: Context,
        event: object = None,
        budget: WorkBudget | None = None,
    ) -> GraphQLResponse:
        """Runs an operation in the reference executor; `budget` is shared by the fields of a mutation."""
        executor = self._executor(operation, request, context, event)
        if isinstance(executor, GraphQLResponse):
            return executor
        if budget is not None:
            executor.budget = budget
        try:
            result: Any = executor.execute_operation()
            if asyncio.iscoroutine(result) or isinstance(result, asyncio.Future):
                result = await result
            if executor.exhausted is not None:
                return GraphQLResponse(
                    executed=True, errors=[formatted_error(executor.exhausted, context)], operation=operation
                )
            errors = sorted((formatted_error(error, context) for error in result.errors or ()), key=_position)
            return GraphQLResponse(executed=True, data=result.data, errors=errors or None, operation=operation)
        finally:
            executor.release()

    def _executor(
        self, operation: Operation, request: GraphQLRequest, context: Context, event: object = None
    ) -> ReferenceExecutor | GraphQLResponse:
        """The reference executor for this operation; a request error for invalid variables."""
        definitions = operation.node.variable_definitions or ()
        given = request.variables or {}
        variables: VariableValues | list[GraphQLError] | None = None
        if self._compiles:
            variables = operation.plans.variables.read_plain(given)
        if variables is None:
            variables = get_variable_values(
                self._schema, definitions, given, max_errors=document_size.MAXIMUM_ERRORS, hide_suggestions=True
            )
        if isinstance(variables, list):
            messages = [without_value(error.message, self._schema) for error in variables]
            errors = zip(messages, variables, strict=True)
            return request_error(
                [error_with_code(message, ErrorCode.BAD_USER_INPUT, error) for message, error in errors], context
            )
        return ReferenceExecutor(
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


def _position(error: JsonObject) -> tuple[list[tuple[int, int]], list[tuple[bool, str | int]]]:
    """Sort key for document order: fields run concurrently, so their errors arrive in any order."""
    locations = [(each["line"], each["column"]) for each in error.get("locations", ())]
    return locations, [(isinstance(step, str), step) for step in error.get("path", ())]


def _timed_out(context: Context, operation: Operation) -> GraphQLResponse:
    error = ServiceUnavailable("The operation took too long and was stopped. Try again in a moment.")
    return GraphQLResponse(executed=True, errors=[formatted_error(error, context)], operation=operation)
