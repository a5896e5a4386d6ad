"""Does the report of ``archsim bench`` fit, and say which aims are met?"""

from __future__ import annotations

import json
from dataclasses import asdict, replace

from archsim.bench.aims import at_least, at_most
from archsim.bench.limits import Limit, Limits
from archsim.bench.machine import this_machine
from archsim.bench.overhead import Overhead, Overheads
from archsim.bench.sections import Bench, Section
from archsim.bench.speed import Case, Gain, Speed
from archsim.bench.start import FirstStart, Start
from archsim.bench.tracefile import TraceFile, Written
from archsim.report.render import as_text
from archsim.report.speed import WIDTH, bench_report


def made_up() -> Bench:
    """Return results of every section with wide numbers and long names."""
    case = Case(
        *("charlm", 12633, 18064, 64, 49, 2, "waveforms", "cycles: waveforms are recorded"),
        *(12345.6, 12345.6, at_most(123.4, 0.15), at_least(85_570, 10e6)),
    )
    one = replace(case, threads=1, recording="cycles", kernel="fused")
    gain = Gain("charlm", 256, "cycles", 12345.6, 12345.6, at_least(0.98, 1.8), 1.99)
    over = Overhead("charlm", 16, 4, "cycles", 12345.6, 12345.6, at_most(2.0, 2.0))
    limit = Limit(
        *("charlm", 16, 4, "cycles", 12e6, 82e6, 1e6, 12345.6, 12345.6, 12345.6, 12345.6),
        *("conductances", 12345.6, 1.0),
    )
    written = Written(12.5, 1.25, at_most(10.0, 2.5))
    return Bench(
        replace(this_machine(), cpu="A Long Name of a Processor @ 3.00GHz", coretype="X"),
        1234.5,
        {
            Section.SPEED: Speed(False, (case, one), (gain, gain)),
            Section.RECORDING: Overheads("recording", (over,)),
            Section.NOISE: Overheads("read noise", (over,)),
            Section.LIMITS: Limits(1e11, False, (limit,)),
            Section.FILE: TraceFile("charlm", 600, 1234.5, written, written, 226.0, 4899.0),
            Section.START: Start(
                *(
                    "charlm",
                    "configs/charlm.yaml",
                    0.1,
                    0.5,
                    at_most(12.34, 2.0),
                    0.4,
                    at_most(0.1, 0.2),
                ),
                FirstStart(123.4, 120.0, 42),
            ),
        },
    )


def text_of(bench: Bench) -> str:
    return as_text(bench_report(bench))


def test_tables_fit_and_say_what_is_met():
    bench = made_up()
    lines = [line.rstrip() for line in text_of(bench).splitlines()]
    assert max(map(len, lines)) <= WIDTH
    assert any("OPENBLAS_CORETYPE=X is set" in line for line in lines)
    assert sum("install threadpoolctl" in line for line in lines) == 2
    claims = list(bench.claims())
    met = sum(claim.figure.met is True for claim in claims)
    assert (met, len(claims)) == (3, 12)
    assert "aims: 3 of 12 met" in lines
    after = lines[lines.index("aims: 3 of 12 met") :]
    assert sum(line.endswith("│ yes │") for line in after) == met
    assert sum(line.endswith("│ NO  │") for line in after) == len(claims) - met
    assert any(">= 10 M" in line for line in after)


def test_json_holds_every_aim_and_whether_it_is_met():
    bench = made_up()
    data = json.loads(json.dumps(bench.to_json()))
    assert set(data) == {"machine", "peak_mib", "aims", *Section}
    first = data["aims"][0]
    assert first["figure"] == {"value": 123.4, "aim": 0.15, "bound": "at most", "met": False}
    assert data["speed"]["cases"][0]["ratio"] == first["figure"]
    assert data["machine"] == asdict(bench.machine)


def test_a_run_that_adds_no_time_has_no_rate():
    bench = made_up()
    file = replace(bench.results[Section.FILE], mib_per_s=0.0)
    text = text_of(replace(bench, results={Section.FILE: file}))
    assert "written in no time that could be measured" in " ".join(text.split())
