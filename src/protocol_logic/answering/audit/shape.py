"""What stands in a line of each kind. A chain only says that nothing was changed; somebody could
have made it by hand."""

from __future__ import annotations

import re
from typing import Any

from protocol_logic.answering.audit.chain import Body


class _Or:
    """A shape, or null."""

    def __init__(self, shape: Any) -> None:
        self.shape = shape


_DAY = re.compile(r"[0-9]{4}-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])")
_AT = re.compile(_DAY.pattern + r"T[0-9]{2}:[0-9]{2}:[0-9]{2}Z")
_GAP = {"element": str, "reason": str}
_CRITERION = {
    "id": str, "polarity": str, "outcome": str, "verdict": re.compile("pass|fail|open"),
    "applies": bool, "gaps": [_GAP],
}  # fmt: skip
_DIGESTS = {
    "protocol": str, "knowledge": str, "logic": str, "program": str, "policies": _Or(str),
    "parameters": str, "answers": _Or(str),
}  # fmt: skip
_ELIGIBILITY = re.compile("eligible|ineligible|undetermined")
_LINE = {"at": _AT}
_SHAPES: dict[str, dict[str, Any]] = {
    "start": {**_LINE, "mask": _Or({"method": str, "key": str})},
    "decision": {
        **_LINE,
        "id": str, "patient": str, "masked": bool, "facts": str, "as_of": _DAY,
        "as_of_source": str, "merged": bool, "justification": str, "eligibility": _ELIGIBILITY,
        "source": {"file": str, "digest": _Or(str)},
        "protocol": {"id": str, "version": str, "digest": str, "file": str},
        "digests": _DIGESTS,
        "versions": str,
        "policies": _Or({"id": str, "version": str, "digest": str, "lines": [str]}),
        "parameters": [{"name": str, "value": str, "from": str, "default": str}],
        "dates": _DAY,
        "timepoints": [{"id": str, "label": str, "date": str, "from": str}],
        "answers": _Or({"file": str, "digest": str}),
        "decided_jointly": [str],
        "scopes": [{"id": str, "eligibility": _ELIGIBILITY}],
        "criteria": [_CRITERION],
    },
    "note": {
        **_LINE,
        "id": str, "patient": str, "masked": bool, "criterion": _Or(str), "decision": str,
        "computed": str, "to": _Or(str), "by": str, "reason": str,
        "of": {"number": int, "id": str, "protocol": str},
    },
    "repair": {**_LINE, "bytes": int, "torn": str},
}  # fmt: skip
_NAMED = ("versions", "dates")
"""Objects with names of any kind, whose values all have one shape."""


def misshapen(body: Body) -> str | None:
    """What of a line is not as this version writes it; None where all is."""
    kind = body["kind"]
    if kind not in _SHAPES:
        return "kind"
    for key, shape in _SHAPES[kind].items():
        value = body.get(key, _SHAPES)  # something that has no shape
        if key in _NAMED:
            right = isinstance(value, dict) and all(_fits(each, shape) for each in value.values())
        else:
            right = _fits(value, shape)
        if not right:
            return key
    return None


def _fits(value: Any, shape: Any) -> bool:
    if isinstance(shape, _Or):
        return value is None or _fits(value, shape.shape)
    if isinstance(shape, list):
        return isinstance(value, list) and all(_fits(each, shape[0]) for each in value)
    if isinstance(shape, dict):
        return isinstance(value, dict) and all(
            key in value and _fits(value[key], inner) for key, inner in shape.items()
        )
    if isinstance(shape, re.Pattern):
        return isinstance(value, str) and shape.fullmatch(value) is not None
    return type(value) is shape
