"""How mutants are made: the operators of cosmic-ray that say something here, and some of our own.

A mutant that cannot be imported says nothing, nor does one that no test could tell apart. So of the
dozens of ways to replace an operator, the likely slips are taken: `<` for `<=`, `-` for `+`. What
cosmic-ray lacks is what goes wrong in protocol code: a guard that is not there, a clause that is
missing, an argument that is forgotten, a name on the wire with another spelling.

They work on parso's trees, as cosmic-ray's own: `mutation_positions` gives each place where one
can do something with a node, and `mutate` does it.
"""

import re
from abc import abstractmethod
from collections.abc import Iterator
from typing import Any

from cosmic_ray.operators.operator import Example, Operator
from cosmic_ray.plugins import OPERATOR_PROVIDERS
from parso.python.tree import Name

Tree = Any
"""A node or leaf of parso's: which kind has what, its types do not say."""
Position = tuple[tuple[int, int], tuple[int, int]]

_OF_COSMIC_RAY = """
    ReplaceBinaryOperator_Add_Sub ReplaceBinaryOperator_Sub_Add ReplaceBinaryOperator_Mul_Add
    ReplaceBinaryOperator_Div_Mul ReplaceBinaryOperator_FloorDiv_Mul
    ReplaceBinaryOperator_Mod_FloorDiv ReplaceBinaryOperator_Pow_Mul
    ReplaceBinaryOperator_LShift_RShift ReplaceBinaryOperator_RShift_LShift
    ReplaceBinaryOperator_BitOr_BitAnd ReplaceBinaryOperator_BitAnd_BitOr
    ReplaceBinaryOperator_BitXor_BitAnd
    ReplaceComparisonOperator_Eq_NotEq ReplaceComparisonOperator_NotEq_Eq
    ReplaceComparisonOperator_Lt_LtE ReplaceComparisonOperator_Lt_GtE
    ReplaceComparisonOperator_LtE_Lt ReplaceComparisonOperator_LtE_Gt
    ReplaceComparisonOperator_Gt_GtE ReplaceComparisonOperator_Gt_LtE
    ReplaceComparisonOperator_GtE_Gt ReplaceComparisonOperator_GtE_Lt
    ReplaceComparisonOperator_Is_IsNot ReplaceComparisonOperator_IsNot_Is
    ReplaceUnaryOperator_Delete_Not ReplaceUnaryOperator_Delete_USub
    ReplaceTrueWithFalse ReplaceFalseWithTrue ReplaceAndWithOr ReplaceOrWithAnd
    ReplaceBreakWithContinue ReplaceContinueWithBreak
    ExceptionReplacer NumberReplacer ZeroIterationForLoop
"""


_KEYWORD = re.compile(r"\b(SELECT|INSERT|UPDATE|DELETE|WHERE|ORDER BY|CASE WHEN) ")


class _Replacement(Operator):  # type: ignore[misc]  # it has no types
    """An operator that writes something else in the place of parts of a node."""

    @abstractmethod
    def parts(self, node: Tree) -> Iterator[tuple[Tree, str]]:
        """Give each part of a node that can be replaced, and the code that takes its place."""

    def mutation_positions(self, node: Tree) -> Iterator[Position]:
        """Give where each of its mutants differs."""
        for part, _ in self.parts(node):
            yield part.start_pos, part.end_pos

    def mutate(self, node: Tree, index: int) -> Tree:
        """Make the mutant of that number."""
        part, code = list(self.parts(node))[index]
        leaf = Name(code, part.start_pos, part.get_first_leaf().prefix)
        if part is node:
            return leaf
        holder = part.parent
        holder.children[[child is part for child in holder.children].index(True)] = leaf
        return node


class DropStatement(_Replacement):
    """Leaves out a statement that acts, ends the function, or sets what others see."""

    def parts(self, node: Tree) -> Iterator[tuple[Tree, str]]:
        """Give the statement."""
        if node.type != "simple_stmt":
            return
        statement = node.children[0]
        if statement.type in {"raise_stmt", "return_stmt", "yield_expr", "await"} or (
            statement.type == "atom_expr" and statement.get_last_leaf().value == ")"
        ):
            yield statement, "pass"
        elif statement.type == "expr_stmt":
            target, sign = statement.children[:2]
            outlives = target.type == "atom_expr" or getattr(sign, "value", "=") != "="
            if outlives and sign.type != "annassign":
                yield statement, "pass"
        elif statement.type == "keyword" and statement.value == "raise":
            yield statement, "pass"

    @classmethod
    def examples(cls) -> tuple[Example, ...]:
        """Show one."""
        return (Example("f(1)\n", "pass\n"), Example("raise E\n", "pass\n"))


class ForceCondition(_Replacement):
    """Takes one branch whatever the condition says."""

    def parts(self, node: Tree) -> Iterator[tuple[Tree, str]]:
        """Give the conditions of an `if` with its `elif`, of a ternary and of a comprehension."""
        conditions: list[Tree] = []
        if node.type == "if_stmt":
            words = zip(node.children, node.children[1:], strict=False)
            conditions = [then for word, then in words if word in ("if", "elif")]
        elif node.type in {"test", "ternary"}:
            conditions = [node.children[2]]
        elif node.type == "comp_if":
            conditions = [node.children[1]]
        for condition in conditions:
            yield condition, "True"
            yield condition, "False"

    @classmethod
    def examples(cls) -> tuple[Example, ...]:
        """Show one."""
        return (Example("x if y else z", "x if True else z"),)


class DropClause(_Replacement):
    """Leaves out one operand of `and` or `or`: it says what changes nothing."""

    def parts(self, node: Tree) -> Iterator[tuple[Tree, str]]:
        """Give the operands."""
        if node.type in {"and_test", "or_test"}:
            for operand in node.children[::2]:
                yield operand, str(node.type == "and_test")

    @classmethod
    def examples(cls) -> tuple[Example, ...]:
        """Show one."""
        return (Example("x and y", "True and y"), Example("x or y", "x or False", occurrence=1))


class ForgetArgument(_Replacement):
    """Gives None where an argument stands."""

    def parts(self, node: Tree) -> Iterator[tuple[Tree, str]]:
        """Give the arguments of a call."""
        if node.type != "trailer" or node.children[0].value != "(":
            return
        given = node.children[1:-1]
        if given and given[0].type == "arglist":
            given = given[0].children[::2]
        for each in given:
            if each.type == "argument" and each.children[1] == "=":
                value = each.children[2]
            elif each.type == "argument":  # a generator, or * and **
                continue
            else:
                value = each
            if value not in ("None", "False"):  # which mostly mean the same
                yield value, "None"

    @classmethod
    def examples(cls) -> tuple[Example, ...]:
        """Show one."""
        return (Example("f(1, a=2)", "f(1, a=None)", occurrence=1),)


class MisspellName(_Replacement):
    """Spells a string otherwise, unless it is text for people: that has blanks, or is formatted."""

    def parts(self, node: Tree) -> Iterator[tuple[Tree, str]]:
        """Give the string."""
        if node.type == "string" and not any(sign in node.value for sign in (" ", "\n", '"""')):
            yield node, f"{node.value[:-1]}X{node.value[-1]}"

    @classmethod
    def examples(cls) -> tuple[Example, ...]:
        """Show one."""
        return (Example('a["b"]', 'a["bX"]'),)


class ChangeQuery(_Replacement):
    """Asks a database for something that is nearly the same."""

    SLIPS = (
        (" <= ", " < "),
        (" < ", " <= "),
        (" > ", " >= "),
        (" + 1", " + 2"),
        (" - ?", " + ?"),
        (" = ? AND ", " = ? OR "),
        ("max(", "min("),
        (" DESC", ""),
        (" IS NOT NULL", " IS NULL"),
        ("SET revoked = 1", "SET revoked = 0"),
    )

    def parts(self, node: Tree) -> Iterator[tuple[Tree, str]]:
        """Give a string that is a query or a part of one."""
        if node.type == "string" and _KEYWORD.search(node.value):
            for was, becomes in self.SLIPS:
                if was in node.value:
                    yield node, node.value.replace(was, becomes, 1)

    @classmethod
    def examples(cls) -> tuple[Example, ...]:
        """Show one."""
        return (Example('"DELETE FROM a WHERE b < ?"', '"DELETE FROM a WHERE b <= ?"'),)


class NegateMembership(_Replacement):
    """Takes `in` for `not in`, and the other way round."""

    def parts(self, node: Tree) -> Iterator[tuple[Tree, str]]:
        """Give the operator."""
        if node.type != "comparison":
            return
        for sign in node.children[1::2]:
            if sign == "in":
                yield sign, "not in"
            elif sign.type == "comp_op" and sign.children[0] == "not":
                yield sign, "in"

    @classmethod
    def examples(cls) -> tuple[Example, ...]:
        """Show one."""
        return (Example("x in y", "x not in y"), Example("x not in y", "x in y"))


class SwapFunction(_Replacement):
    """Takes one function for the one that people mistake it for."""

    TWINS = {"min": "max", "max": "min", "any": "all", "all": "any"}  # noqa: RUF012

    def parts(self, node: Tree) -> Iterator[tuple[Tree, str]]:
        """Give the function's name where it is called."""
        if node.type == "atom_expr" and node.children[0].type == "name":
            name = node.children[0].value
            if name in self.TWINS and node.children[1].children[0] == "(":
                yield node.children[0], self.TWINS[name]

    @classmethod
    def examples(cls) -> tuple[Example, ...]:
        """Show one."""
        return (Example("min(x, y)", "max(x, y)"),)


OURS = (
    DropStatement,
    ForceCondition,
    DropClause,
    ForgetArgument,
    MisspellName,
    ChangeQuery,
    NegateMembership,
    SwapFunction,
)


class Chosen:
    """The provider of the operators that are used, as cosmic-ray asks for them."""

    def __init__(self) -> None:
        core = OPERATOR_PROVIDERS["core"]
        self._found: dict[str, Any] = {name: core[name] for name in _OF_COSMIC_RAY.split()}
        self._found |= {each.__name__: each for each in OURS}

    def __iter__(self) -> Iterator[str]:
        """Name them."""
        return iter(self._found)

    def __getitem__(self, name: str) -> Any:
        """Give the one of a name."""
        return self._found[name]
