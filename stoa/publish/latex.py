"""Texts as LaTeX: what people, files and records say, so that it is printed and never obeyed."""

from __future__ import annotations

import re
from urllib.parse import quote

_SPECIAL = {
    "\\": r"\textbackslash{}", "&": r"\&", "%": r"\%", "$": r"\$", "#": r"\#", "_": r"\_", "{": r"\{", "}": r"\}",
    "~": r"\textasciitilde{}", "^": r"\textasciicircum{}", "<": r"\textless{}", ">": r"\textgreater{}",
    "<=": r"\ensuremath{\leq}", ">=": r"\ensuremath{\geq}", "|": r"\textbar{}", '"': r"\textquotedbl{}",
    "\u2212": r"\ensuremath{-}", "\u00b0": r"\ensuremath{^\circ}", "\u00b1": r"\ensuremath{\pm}",
    "\u00d7": r"\ensuremath{\times}", "\u2264": r"\ensuremath{\leq}", "\u2265": r"\ensuremath{\geq}",
}  # fmt: skip
_GREEK = {
    "\u03b1": "alpha", "\u03b2": "beta", "\u03b3": "gamma", "\u03b4": "delta", "\u03b5": "epsilon", "\u03b6": "zeta",
    "\u03b7": "eta", "\u03b8": "theta", "\u03b9": "iota", "\u03ba": "kappa", "\u03bb": "lambda", "\u03bc": "mu",
    "\u00b5": "mu", "\u03bd": "nu", "\u03be": "xi", "\u03c0": "pi", "\u03c1": "rho", "\u03c3": "sigma", "\u03c4": "tau",
    "\u03c5": "upsilon", "\u03c6": "phi", "\u03c7": "chi", "\u03c8": "psi", "\u03c9": "omega", "\u0393": "Gamma",
    "\u0394": "Delta", "\u0398": "Theta", "\u039b": "Lambda", "\u03a0": "Pi", "\u03a3": "Sigma", "\u03a9": "Omega",
}  # fmt: skip
_PARTS = re.compile(r"[<>]=|.", re.DOTALL)


def latex(text: object) -> str:
    """A text as LaTeX prints it, on one line, without control characters."""
    return "".join(_printed(part) for part in _PARTS.findall(_one_line(text)))


def typewriter(text: object) -> str:
    """The same in the type of a typewriter."""
    return rf"\texttt{{{latex(text)}}}"


def url(address: str) -> str:
    """An address, with what would end or break the command as percent signs and digits."""
    return rf"\url{{{quote(_one_line(address), safe=':/?@!$&()*+,;=-._~[]%#')}}}"


def bibtex_value(text: object) -> str:
    """A text between the braces of a BibTeX field, printed as it is."""
    return latex(text)


def _one_line(text: object) -> str:
    return " ".join("".join(char if char.isprintable() else " " for char in str(text)).split())


def _printed(part: str) -> str:
    if part in _GREEK:
        return rf"\ensuremath{{\{_GREEK[part]}}}"
    return _SPECIAL.get(part, part)
