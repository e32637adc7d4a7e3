"""Text to a protocol that is ready to screen with."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from typing import TYPE_CHECKING

from protocol_logic.compiling import core
from protocol_logic.compiling.check import check
from protocol_logic.compiling.digests import digest_of
from protocol_logic.compiling.extending import of_site as with_extensions
from protocol_logic.compiling.lower import Program, lower
from protocol_logic.compiling.parameters import Setting
from protocol_logic.compiling.plan import Plan
from protocol_logic.compiling.planner import make_plan
from protocol_logic.compiling.policies import Policies
from protocol_logic.compiling.reach import reached
from protocol_logic.compiling.windows import Window
from protocol_logic.foundation.problems import Problems
from protocol_logic.foundation.source import Source
from protocol_logic.records.codings import Codings

if TYPE_CHECKING:
    from protocol_logic.answering.cohort.limits import OtherLimits
    from protocol_logic.answering.cohort.strata import Stratum


@dataclass(frozen=True, slots=True)
class Compiled:
    """A protocol ready to screen with, under the policies of a site, if any.

    `digest` covers the protocol with all that it refers to; the policies have one of their own.
    `windows`: entry of the protocol's vocabulary -> how old its evidence may be.
    """

    protocol: core.Protocol
    plan: Plan
    program: Program
    codings: Codings
    digest: str
    policies: Policies | None = None
    windows: Mapping[str, Window] = field(default_factory=dict)
    dates: Mapping[str, date] = field(default_factory=dict)
    """Time point -> its day in this run; those without one are the as-of date."""


def compile_source(
    source: Source,
    problems: Problems,
    policies: Policies | None = None,
    settings: Iterable[Setting] = (),
) -> Compiled | None:
    """Check and compile a protocol; None where an error stands in the way.

    `policies`: those of the site; `settings`: the values that this run gives to parameters.
    """
    of_site = policies.settings if policies is not None else ()
    protocol = check(source, problems, (*of_site, *settings))
    if protocol is not None and policies is not None and policies.extensions:
        protocol = with_extensions(protocol, policies.extensions, problems)
        protocol = None if problems.has_errors else protocol
    return None if protocol is None else compiled_of(protocol, policies)


def compiled_of(protocol: core.Protocol, policies: Policies | None = None) -> Compiled:
    """A checked protocol ready to screen with, under the policies of a site, if any."""
    plan = make_plan(protocol)
    program = lower(protocol, plan)
    names = reached(protocol)
    codings = Codings.of(protocol.vocabulary, names)
    digest = digest_of(protocol)
    windows = policies.windows(protocol) if policies is not None else {}
    return Compiled(protocol, plan, program, codings, digest, policies, windows)


def for_strata(compiled: Compiled, strata: Sequence[Stratum]) -> Compiled:
    """A protocol whose records are read for strata too."""
    from protocol_logic.answering.cohort.strata import Strata

    if not strata:
        return compiled
    codings = Strata(compiled.protocol, strata).codings(compiled.protocol)
    return replace(compiled, codings=codings)


def with_other_limits(compiled: Compiled, limits: OtherLimits) -> Compiled:
    """The protocol with other limits in its criteria, all else of the run as it is."""
    from protocol_logic.answering.cohort.limits import with_limits

    made = compiled_of(with_limits(compiled.protocol, limits), compiled.policies)
    return replace(made, codings=compiled.codings, dates=compiled.dates)
