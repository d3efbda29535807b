"""Programming languages: the extensions of their files, and how their definitions look.

Definitions are found by regular expressions, not by parsers: files of old dialects do not parse, and a regular
expression has no failures. Only Python's are measured. All run in time linear in the text.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

import msgspec

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

CLASS: Final = 2.0
"""Weight of a class, or whatever a language has instead."""

FUNCTION: Final = 1.0
CONSTANT: Final = 0.5


class Language(msgspec.Struct, frozen=True):
    """A language. `definitions` matches a line end and a line; its group names say what the name in it is.

    The groups are `class_`, `function` and `constant`; `class_2` and so on are other forms of them. `above` is what
    lines directly above a definition begin with that belong to it: comments and decorators.
    """

    name: str
    extensions: tuple[str, ...]
    definitions: re.Pattern[str]
    above: tuple[str, ...] = ("#", "@")

    def defined(self, text: str) -> dict[str, float]:
        """The names that `text` defines, each with the weight of its weightiest definition."""
        names: dict[str, float] = {}
        for match in self.definitions.finditer("\n" + text):
            group = match.lastgroup or ""
            name, weight = match[group], _WEIGHTS[group.rstrip("_23")]
            if weight > names.get(name, 0.0):
                names[name] = weight
        return names

    def starts(self, text: str) -> Iterator[tuple[int, str]]:
        """The offset of the line and the name of every class or function indented by four columns at most."""
        for match in self.definitions.finditer("\n" + text):
            group = match.lastgroup or ""
            indent = match["indent"]
            if not group.startswith("constant") and ((len(indent) <= 4 and "\t" not in indent) or indent == "\t"):
                yield match.start(), match[group]


_WEIGHTS: Final = {"class": CLASS, "function": FUNCTION, "constant": CONSTANT}


def _pattern(*forms: str) -> re.Pattern[str]:
    # It begins with the line end before the line: that is found many times faster than a start of a line.
    return re.compile(rf"\n(?P<indent>[ \t]*+)(?:{'|'.join(forms)})", re.MULTILINE)


_C_STYLE: Final = ("//", "/*", "*", "@", "#[", "[")

PYTHON: Final = Language(
    "python",
    ("py",),
    _pattern(
        r"(?:async[ \t]++)?def[ \t]++(?P<function>\w++)",
        r"class[ \t]++(?P<class_>\w++)",
        r"(?<![ \t])(?P<constant>[^\W\d]\w*+)[ \t]*+(?::[^=\n]*+)?=(?!=)",
    ),
)
_JAVASCRIPT: Final = Language(
    "javascript",
    ("js", "jsx", "mjs", "cjs", "ts", "tsx", "mts", "cts", "vue", "svelte"),
    _pattern(
        r"(?:(?:export|default|abstract|declare)[ \t]++)*+"
        r"(?:class|interface|enum|type|namespace)[ \t]++(?P<class_>[\w$]++)",
        r"(?:(?:export|default|async|declare)[ \t]++)*+function\b[ \t*]*+(?P<function>[\w$]++)",
        r"(?:export[ \t]++)?(?:const|let|var)[ \t]++(?P<function2>[\w$]++)[ \t]*+=[ \t]*+(?:async\b|function\b|\()",
        r"(?<![ \t])(?:export[ \t]++)?(?:const|let|var)[ \t]++(?P<constant>[\w$]++)",
        r"(?:(?:static|async|get|set|public|private|protected|readonly)[ \t]++)*+"
        r"(?!(?:if|for|while|switch|catch|function|return)\b)(?P<function3>[\w$#]++)\([^()\n]*+\)[^;\n{]*+\{",
    ),
    _C_STYLE,
)
_JAVA: Final = Language(
    "java",
    ("java", "kt", "scala", "groovy", "cs"),
    _pattern(
        r"(?:(?:public|private|protected|internal|static|final|abstract|sealed|data|open|case|partial)[ \t]++)*+"
        r"(?:class|interface|enum|record|object|trait|struct)[ \t]++(?P<class_>\w++)",
        r"(?:(?:public|private|protected|internal|override|static|suspend|inline|final)[ \t]++)*+"
        r"(?:fun|def)[ \t]++(?P<function>\w++)",
        r"(?:(?:public|private|protected|internal|static|final|abstract|synchronized|native|default|override|virtual|async)"
        r"[ \t]++)*+(?!(?:return|new|throw|else|if|for|while|switch|catch)\b)[\w.]++(?:<[^()\n]*?>)?[\[\]]*+[ \t]++"
        r"(?P<function2>\w++)[ \t]*+\(",
    ),
    _C_STYLE,
)
_GO: Final = Language(
    "go",
    ("go",),
    _pattern(
        r"func[ \t]++(?:\([^)\n]*+\)[ \t]*+)?(?P<function>\w++)",
        r"type[ \t]++(?P<class_>\w++)",
        r"(?:var|const)[ \t]++(?P<constant>\w++)",
    ),
    _C_STYLE,
)
_RUST: Final = Language(
    "rust",
    ("rs",),
    _pattern(
        r"(?:pub(?:\([^)\n]*+\))?[ \t]++)?"
        r"(?:(?:const|async|unsafe|default)[ \t]++|extern[ \t]++(?:\"[^\"\n]*+\"[ \t]++)?)*+"
        r"fn[ \t]++(?P<function>\w++)",
        r"(?:pub(?:\([^)\n]*+\))?[ \t]++)?(?:unsafe[ \t]++)?"
        r"(?:struct|enum|trait|union|type|mod)[ \t]++(?P<class_>\w++)",
        r"macro_rules![ \t]*+(?P<function2>\w++)",
        r"(?:pub(?:\([^)\n]*+\))?[ \t]++)?(?:const|static)[ \t]++(?:mut[ \t]++)?(?P<constant>\w++)",
    ),
    _C_STYLE,
)
_C: Final = Language(
    "c",
    ("c", "h", "cc", "cpp", "cxx", "hh", "hpp", "hxx", "m", "mm", "cu"),
    _pattern(
        r"(?:typedef[ \t]++)?(?:class|struct|enum|union|namespace)[ \t]++(?P<class_>\w++)[^;()\n]*+$",
        r"#[ \t]*+define[ \t]++(?P<constant>\w++)",
        r"(?!(?:return|else|if|for|while|switch|case|goto|typedef|new|delete|throw)\b)"
        r"[A-Za-z_][\w:<>,*& \t]*?[ \t*&](?P<function>[\w~]++(?:::[\w~]++)*+)[ \t]*+\([^;\n]*+$",
    ),
    _C_STYLE,
)
_RUBY: Final = Language(
    "ruby",
    ("rb", "rake"),
    _pattern(
        r"def[ \t]++(?:self\.)?(?P<function>\w++[?!=]?)",
        r"(?:class|module)[ \t]++(?P<class_>[\w:]++)",
        r"(?P<constant>[A-Z]\w*+)[ \t]*+=(?!=)",
    ),
)
_PHP: Final = Language(
    "php",
    ("php",),
    _pattern(
        r"(?:(?:public|private|protected|static|final|abstract)[ \t]++)*+function[ \t]++&?(?P<function>\w++)",
        r"(?:(?:final|abstract|readonly)[ \t]++)*+(?:class|interface|trait|enum)[ \t]++(?P<class_>\w++)",
        r"(?:(?:public|private|protected|final)[ \t]++)*+const[ \t]++(?P<constant>\w++)",
    ),
    (*_C_STYLE, "#"),
)
_OTHER: Final = Language(
    "other",
    ("swift", "lua", "ex", "exs", "erl", "hs", "ml", "jl", "r", "pl", "pm", "dart", "sh", "zig", "nim", "clj", "el"),
    _pattern(
        r"(?:(?:public|private|local|static|override|export|pub)[ \t]++)*+"
        r"(?:def|defp|func|function|fn|sub|proc|fun|defn)[ \t]++(?P<function>\w++)",
        r"(?:(?:public|private|final|abstract)[ \t]++)*+"
        r"(?:class|struct|enum|protocol|extension|module|defmodule|type|data|package)[ \t]++(?P<class_>[\w.:]++)",
    ),
    ("#", "//", "--", ";", "@", "%"),
)

LANGUAGES: Final = (PYTHON, _JAVASCRIPT, _JAVA, _GO, _RUST, _C, _RUBY, _PHP, _OTHER)

_BY_EXTENSION: Final[Mapping[str, Language]] = {
    extension: language for language in LANGUAGES for extension in language.extensions
}


def language_of(path: str) -> Language | None:
    """The language of a file, by the extension of its path; None for what is not source code."""
    stem, dot, extension = path.rpartition("/")[2].rpartition(".")
    return _BY_EXTENSION.get(extension.lower()) if stem and dot else None
