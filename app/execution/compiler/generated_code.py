"""The generated Python of one plan: its functions, its constants, and the values that are computed once per run."""

from collections.abc import Callable
from typing import Any


class GeneratedCode:
    """Collects the parts while an operation is compiled; `compiled` makes the function of them."""

    def __init__(self) -> None:
        self._constants: dict[str, object] = {}
        self._functions: list[str] = []
        self._once: dict[str, str] = {}
        self._numbers = 0

    def number(self) -> int:
        """A number that no other name in the plan has."""
        self._numbers += 1
        return self._numbers

    def constant(self, value: object) -> str:
        """The name of a Python object; one object has one name."""
        for name, known in self._constants.items():
            if known is value:
                return name
        name = f"k{self.number()}"
        self._constants[name] = value
        return name

    def function(self, parameter: str, body: str | list[str]) -> str:
        """The name of a function with this body: an expression, or lines."""
        name = f"f{self.number()}"
        lines = body if isinstance(body, list) else [f"return {body}"]
        self._functions.append("\n".join([f"def {name}({parameter}):", *(f"    {line}" for line in lines)]))
        return name

    def compute_once(self, name: str, expression: str) -> None:
        """Assigns the expression to the name before any function is called."""
        self._once[name] = f"{name} = {expression}"

    def compiled(self, response: str) -> tuple[Callable[..., Any], str]:
        """The function that returns the expression `response`, and its source."""
        lines = [
            "def shape(viewer, context, data, given):",
            *(f"    {line}" for line in self._once.values()),
            *(f"    {line}" for function in self._functions for line in function.splitlines()),
            f"    return {response}",
        ]
        source = "\n".join(lines) + "\n"
        namespace = dict(self._constants)
        exec(compile(source, "<plan>", "exec"), namespace)  # noqa: S102  made of declarations and numbers alone
        # Removed from its own globals: otherwise a discarded plan is freed by the garbage collector only.
        shape: Callable[..., Any] = namespace.pop("shape")  # type: ignore[assignment]
        return shape, source
