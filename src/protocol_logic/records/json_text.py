"""JSON text to values, with numbers kept exactly as written."""

from __future__ import annotations

import json
import re
from typing import Any, NoReturn, TypeAlias

from protocol_logic.foundation.text import shown

Object: TypeAlias = dict[str, Any]
"""A JSON object as parsed: values are str, bool, None, `Number`, lists and objects."""


class Number:
    """A JSON number as it stands in the text: `8.80`, `1e400`. Not a str, so that a string of
    digits is not taken for one."""

    __slots__ = ("text",)

    def __init__(self, text: str) -> None:
        self.text = text

    def __repr__(self) -> str:
        return f"Number({self.text!r})"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Number) and self.text == other.text

    def __hash__(self) -> int:
        return hash(self.text)


class NotJson(ValueError):
    """Bytes that are not JSON as FHIR wants it; the message says why, and `hint` how to cure it.

    Both are safe to show.
    """

    def __init__(self, message: str, hint: str | None = None) -> None:
        super().__init__(message)
        self.hint = hint


def parse(data: bytes) -> object:
    """The JSON value in UTF-8 bytes; byte order marks before it are passed over.

    Raises NotJson for anything else: another encoding, cut or malformed text, NaN and Infinity,
    nesting beyond the recursion limit, half of a surrogate pair, and a key that an object has
    twice, which FHIR forbids: one of its two values would be lost.
    """
    try:
        text = data.decode("utf-8").lstrip("\ufeff")
        value: object = _DECODER.decode(text)
    except UnicodeDecodeError as error:
        raise NotJson("it is not UTF-8 text", "FHIR JSON is UTF-8; save it as that") from error
    except json.JSONDecodeError as error:
        place = f"line {error.lineno} column {error.colno}"
        what = shown(error.msg.removesuffix(" at"))
        raise NotJson(f"it is not JSON: {what} at {place}") from error
    except RecursionError as error:
        raise NotJson("it is nested too deeply") from error
    if _SURROGATE.search(text):
        _refuse_lone_surrogates(text)
    return value


def text_of(value: object, indent: str = "") -> str:
    """JSON text of a parsed value, a member a line; its numbers stand as they were written."""
    inner = f"{indent}  "
    if isinstance(value, Number):
        return value.text
    if isinstance(value, dict) and value:
        members = [f"{inner}{_json(k)}: {text_of(each, inner)}" for k, each in value.items()]
        return "{\n" + ",\n".join(members) + f"\n{indent}}}"
    if isinstance(value, list) and value:
        items = [f"{inner}{text_of(each, inner)}" for each in value]
        return "[\n" + ",\n".join(items) + f"\n{indent}]"
    return _json(value)


def _json(value: object) -> str:
    return json.dumps(value, ensure_ascii=False)


def _object(pairs: list[tuple[str, Any]]) -> Object:
    found = dict(pairs)
    if len(found) < len(pairs):
        seen: set[str] = set()
        for name, _ in pairs:
            if name in seen:
                raise NotJson(f"an object in it has the key `{shown(name)}` twice")
            seen.add(name)
    return found


def _refuse_constant(name: str) -> NoReturn:
    raise NotJson(f"it holds {name}, which is not a JSON number")


def _refuse_lone_surrogates(text: str) -> None:
    # Such a text could be read, but never be written out as UTF-8.
    if _SURROGATE.search(_PAIR.sub("", text.replace("\\\\", " "))):
        raise NotJson("it holds half of a surrogate pair")


_DECODER = json.JSONDecoder(
    object_pairs_hook=_object,
    parse_float=Number,
    parse_int=Number,
    parse_constant=_refuse_constant,
)
_SURROGATE = re.compile(r"\\u[dD][89a-fA-F]")
_PAIR = re.compile(r"\\u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}")
