"""Quality cuts: named conditions on columns or a least distance, each with the number of rows that it removes.

A condition is written like ``snr >= 7 and gain > 0.3`` or ``intent == 'science'``. It is parsed
with `ast`, and only comparisons, arithmetic, names of columns and a few functions are allowed:
cuts come from a shared repository and are never run as code.
"""

from __future__ import annotations

import ast
import operator
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from msgspec import Struct

from stoa.catalogue.duplicates import unique
from stoa.catalogue.formats import CatalogueError
from stoa.errors import guess
from stoa.project import QualityCut

if TYPE_CHECKING:
    import numpy as np
    from astropy.table import Table
    from numpy.typing import NDArray

LONGEST = 500
"""Characters that a condition may have."""

_COMPARE: dict[type[ast.cmpop], Callable[[Any, Any], Any]] = {
    ast.Lt: operator.lt,
    ast.LtE: operator.le,
    ast.Gt: operator.gt,
    ast.GtE: operator.ge,
    ast.Eq: operator.eq,
    ast.NotEq: operator.ne,
}
_ARITHMETIC: dict[type[ast.operator], Callable[[Any, Any], Any]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
}
_FUNCTIONS = ("abs", "sqrt", "log10", "isfinite")


class CutCount(Struct, frozen=True):
    """How many rows a cut removed, of those that the cuts before it had left."""

    name: str
    keep: str
    removed: int


class Selection(Struct, frozen=True):
    """What the cuts left over."""

    table: Any  # astropy Table
    cuts: tuple[CutCount, ...]


def select(table: Table, cuts: Sequence[QualityCut]) -> Selection:
    """The rows that pass every cut, in their order.

    Parameters
    ----------
    cuts
        Applied one after the other. A row whose value is absent (masked or NaN) does not pass a comparison.

    Raises
    ------
    CatalogueError
        If a condition cannot be understood or names an unknown column; the message names the cut.
    """
    counts = []
    for cut in cuts:
        kept = table[unique(table, cut.apart_arcsec, across=cut.across) if cut.apart_arcsec else passes(table, cut)]
        counts.append(CutCount(cut.name, cut.words, len(table) - len(kept)))
        table = kept
    return Selection(table, tuple(counts))


def passes(table: Table, cut: QualityCut) -> NDArray[np.bool_]:
    """Which rows a cut keeps, of shape (rows,)."""
    import numpy as np

    if len(cut.keep) > LONGEST:
        raise _error(cut, f"is longer than {LONGEST} characters")
    try:
        tree = ast.parse(cut.keep.strip(), mode="eval").body
    except (SyntaxError, ValueError, MemoryError, RecursionError) as problem:
        raise _error(cut, "is not a condition", "write it like: snr >= 7 and gain > 0.3") from problem
    try:
        with np.errstate(all="ignore"):
            value = _Reader(table, cut).read(tree)
    except RecursionError as problem:
        raise _error(cut, "is nested too deeply") from problem
    except (TypeError, ValueError) as problem:
        raise _error(cut, "compares what cannot be compared, such as a text with a number") from problem
    if np.asarray(value).dtype != bool:
        raise _error(cut, "gives a number, not true or false", "write it like: snr >= 7")
    return np.broadcast_to(np.asarray(value), (len(table),))


class _Reader:
    """Evaluates the allowed part of a syntax tree over columns."""

    def __init__(self, table: Table, cut: QualityCut) -> None:
        self.table = table
        self.cut = cut

    def read(self, node: ast.expr) -> Any:
        for kind, method in _NODES.items():
            if isinstance(node, kind):
                return method(self, node)
        raise _error(self.cut, f"has {ast.unparse(node)!r}, which a cut cannot use")

    def boolean(self, node: ast.BoolOp) -> Any:
        import numpy as np

        join = np.logical_and if isinstance(node.op, ast.And) else np.logical_or
        values = [self.truth(part) for part in node.values]
        return join.reduce(np.broadcast_arrays(*values))

    def truth(self, node: ast.expr) -> Any:
        import numpy as np

        value = np.asarray(self.read(node))
        if value.dtype != bool:
            raise _error(self.cut, f"has {ast.unparse(node)!r} where a condition should be")
        return value

    def compare(self, node: ast.Compare) -> Any:
        import numpy as np

        values = [self.read(node.left), *(self.read(right) for right in node.comparators)]
        held: Any = True
        for left, op, right in zip(values, node.ops, values[1:], strict=False):
            held = np.logical_and(held, self.one(left, op, right))
        return held

    def one(self, left: Any, op: ast.cmpop, right: Any) -> Any:
        import numpy as np

        if isinstance(op, ast.In | ast.NotIn):
            found = np.isin(left, list(right) if isinstance(right, tuple) else [right])
            return found if isinstance(op, ast.In) else ~found
        if type(op) not in _COMPARE or isinstance(left, tuple) or isinstance(right, tuple):
            raise _error(self.cut, "compares in a way that a cut cannot use")
        if _is_text(left) != _is_text(right):
            raise TypeError
        return _COMPARE[type(op)](left, right) & _present(left) & _present(right)

    def arithmetic(self, node: ast.BinOp) -> Any:
        if type(node.op) not in _ARITHMETIC:
            raise _error(self.cut, f"has {ast.unparse(node)!r}, which a cut cannot use")
        left, right = self.read(node.left), self.read(node.right)
        if _is_text(left) or _is_text(right):
            raise TypeError
        return _ARITHMETIC[type(node.op)](left, right)

    def sign(self, node: ast.UnaryOp) -> Any:
        import numpy as np

        if isinstance(node.op, ast.Not):
            return np.logical_not(self.truth(node.operand))
        if isinstance(node.op, ast.Invert):
            raise _error(self.cut, "has '~'; write 'not'")
        value = self.read(node.operand)
        return -value if isinstance(node.op, ast.USub) else value

    def call(self, node: ast.Call) -> Any:
        import numpy as np

        known = isinstance(node.func, ast.Name) and node.func.id in _FUNCTIONS
        if not known or node.keywords or len(node.args) != 1:
            raise _error(
                self.cut, f"has {ast.unparse(node)!r}", f"the functions are {', '.join(_FUNCTIONS)}, of one value each"
            )
        assert isinstance(node.func, ast.Name)
        return getattr(np, node.func.id)(self.read(node.args[0]))

    def column(self, node: ast.Name) -> Any:
        import numpy as np

        if node.id not in self.table.colnames:
            raise _error(self.cut, f"names {node.id!r}, which is not a column{guess(node.id, self.table.colnames)}")
        values = np.ma.asarray(self.table[node.id])
        if values.dtype.kind in "fiu":
            return np.ma.filled(values.astype(np.float64), np.nan)
        return np.ma.filled(values, False if values.dtype == bool else "")

    def constant(self, node: ast.Constant) -> Any:
        if isinstance(node.value, bool | str):
            return node.value
        if isinstance(node.value, int | float):
            try:
                return float(node.value)
            except OverflowError:
                raise _error(self.cut, "has a number that is too large") from None
        raise _error(self.cut, f"has {ast.unparse(node)!r}, which is not a number, text, True or False")

    def several(self, node: ast.Tuple | ast.List) -> Any:
        return tuple(self.read(part) for part in node.elts)


_NODES: dict[Any, Callable[[_Reader, Any], Any]] = {
    ast.BoolOp: _Reader.boolean,
    ast.Compare: _Reader.compare,
    ast.BinOp: _Reader.arithmetic,
    ast.UnaryOp: _Reader.sign,
    ast.Call: _Reader.call,
    ast.Name: _Reader.column,
    ast.Constant: _Reader.constant,
    (ast.Tuple, ast.List): _Reader.several,
}


def _is_text(value: Any) -> bool:
    import numpy as np

    return np.asarray(value).dtype.kind in "USO"


def _present(value: Any) -> Any:
    """Where there is a value: NaN != 3 must not let a row pass."""
    import numpy as np

    return True if _is_text(value) else ~np.isnan(value)


def _error(cut: QualityCut, wrong: str, hint: str | None = None) -> CatalogueError:
    shown = cut.keep if len(cut.keep) <= 80 else f"{cut.keep[:80]}..."
    return CatalogueError(f"quality cut {cut.name!r} ({shown}) {wrong}", hint)
