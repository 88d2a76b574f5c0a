"""What the benchmark is for: the figures, what each should reach, and the table of both."""

import dataclasses

import flood
import monitoring
import rounds
import served
from alone import AGAINST

WIDTH = 80
SIZES = {10_000: "10 thousand", 1_000_000: "1 million", 10_000_000: "10 million"}


@dataclasses.dataclass(frozen=True)
class Figure:
    """One line of the table.  at_least False: the smaller the better.  reach None: to know.

    others: the part of the machine that other programs had meanwhile.
    """

    name: str
    measured: float
    unit: str = ""
    reach: float = None
    at_least: bool = False
    others: float = 0

    @property
    def reached(self):
        """True, False, or None where there is nothing to reach."""
        if self.reach is None:
            return None
        return self.measured >= self.reach if self.at_least else self.measured <= self.reach

    def line(self):
        """The figure in 80 columns."""
        verdict = {True: "yes", False: "NO", None: ""}[self.reached]
        verdict += "?" if verdict and self.others > rounds.DISTURBED else ""
        measured = _number(self.measured, self.unit)
        return f"{self.name:<49}{measured:>12}{self._reach():>12}{verdict:>6}".rstrip()

    def _reach(self):
        if self.reach is None:
            return ""
        return (">= " if self.at_least else "<= ") + f"{self.reach:g}"


def _number(value, unit):
    if value == int(value):
        text = f"{value:.0f}"
    else:
        text = f"{value:.{0 if abs(value) >= 1000 else 1 if abs(value) >= 100 else 2}f}"
    return f"{text} {unit}".rstrip()


def table(groups):
    """All lines, under their headings."""
    lines = []
    for title, figures in groups:
        lines += ["", f"{title:<49}{'measured':>12}{'reach':>12}", "-" * WIDTH]
        lines += [figure.line() for figure in figures]
    return "\n".join(lines)


def alone(result):
    """The figures without PowerDNS."""
    questions = result["questions"]
    has_other = f"hit {max(SIZES)}{AGAINST}" in questions
    return [
        ("Without PowerDNS, processor time per question", _cost(questions)),
        *([("This program / the other one", list(_against(questions)))] if has_other else []),
        ("New mappings at a steady rate, beside 1 million", list(_visible(result["visible"]))),
        ("Memory, disk, starts, reloads", _rest(result)),
    ]


def _against(questions):
    """Processor time of questions, less that of the coprocess that does nothing."""
    for kind in ("hit", "hit beside commits", "hit in a row", "new"):
        nothing = "nothing in a row" if "row" in kind else "nothing"
        for size, text in SIZES.items():
            ours, theirs = f"{kind} {size}", f"{kind} {size}{AGAINST}"
            ratio = own(questions, ours, nothing) / own(questions, theirs, nothing)
            others = max(questions[name]["others"] for name in (ours, theirs))
            yield Figure(f"{kind}, {text} mappings", ratio, "", 1.1, others=others)


def own(questions, name, nothing="nothing"):
    """Processor time per question in microseconds, beyond the coprocess that does nothing."""
    return questions[name]["cpu_us"] - questions[nothing]["cpu_us"]


def _cost(questions):
    wrong = sum(run["wrong"] for run in questions.values())
    return [
        Figure("does nothing, the coprocess", questions["nothing"]["cpu_us"], "us"),
        *_hits(questions, "hit", "nothing", 4, 1.5),
        *_hits(questions, "hit beside commits", "nothing", None, None),
        Figure("does nothing, in a row", questions["nothing in a row"]["cpu_us"], "us"),
        *_hits(questions, "hit in a row", "nothing in a row", None, None),
        *_new_mappings(questions),
        Figure("wrong answers", wrong, "", 0),
    ]


def _hits(questions, kind, nothing, reach, growth_reach):
    costs = {size: own(questions, f"{kind} {size}", nothing) for size in SIZES}
    others = max(questions[f"{kind} {size}"]["others"] for size in SIZES)
    for size, text in SIZES.items():
        yield Figure(f"{kind}, {text} mappings", costs[size], "us", reach, others=others)
    growth = costs[10_000_000] / max(costs[10_000], 1e-9)
    yield Figure(
        f"{kind}, at 10 million / at 10 thousand", growth, "", growth_reach, others=others
    )


def _new_mappings(questions):
    for size, text in SIZES.items():
        share, others = (questions[f"new {size}"][key] for key in ("checkpoint_us", "others"))
        run, nothing = questions[f"new {size}"], questions["nothing"]
        answer = run["main_cpu_us"] - nothing["main_cpu_us"]
        yield Figure(f"new mapping, {text}, until the answer", answer, "us", 4, others=others)
        writer = run["cpu_us"] - run["main_cpu_us"]
        yield Figure("  in the writer", writer, "us")
        yield Figure("  its share of a checkpoint at the end", share, "us")


def _visible(runs):
    for rate, run in runs.items():
        rate, others = int(rate), run["others"]
        share, cost, limit = run["per_second"] / rate, run["writer_cpu_us"], run["rows"]["cpu_us"]
        reach = 1.2 if rate == 10_000 else None
        yield Figure(f"{rate:,} a second: answered of those", share, "", 0.98, True, others)
        yield Figure("  answered without a row", run["missing"], "", 0, others=others)
        yield Figure("  of those looked for, later than 2 s", run["late"], "", 0, others=others)
        yield Figure("  from the answer until the row shows, p50", run["p50_ms"], "ms")
        yield Figure("  p99", run["p99_ms"], "ms", 10, others=others)
        yield Figure("  longest", run["longest_ms"], "ms")
        yield Figure("  in the writer, with checkpoints", cost, "us")
        yield Figure("  SQLite alone, as many rows", limit, "us")
        yield Figure("  the writer / SQLite alone", cost / limit, "", reach, others=others)


def _rest(result):
    questions, start, reload = result["questions"], result["start"], result["reload"]
    memory = max(run["anonymous_kib"] for name, run in questions.items() if "nothing" not in name)
    grown = questions["new 10000"]["bytes_per_mapping"]
    banner, others = start["banner_ms"], start["others"]
    figures = [
        Figure("private memory of a coprocess, no files, the most", memory / 1024, "MiB", 10),
        Figure("disk per mapping, 10 million", start["bytes_per_mapping"], "bytes", 64),
        Figure("disk per mapping, while 10 thousand double", grown, "bytes", 64),
        Figure("exec to banner, 10 million mappings", banner, "ms", 10, others=others),
        Figure("  and then to the first answer", start["first_answer_ms"], "ms"),
    ]
    for what, text, reach in (("one", "one pool of 1,000", 1), ("all", "all 10,000 servers", 5)):
        figures += _reload(reload[what], text, reach)
    return figures


def _reload(run, text, reach):
    longest, others = "  longest wait of a question", run["others"]
    return [
        Figure(f"reload, changed: {text}", run["reload_ms"], "ms", 50, others=others),
        Figure(f"{longest}, median of rounds", run["wait_ms"], "ms", reach, others=others),
        Figure(f"{longest}, worst", run["longest_wait_ms"], "ms", reach, others=others),
        Figure(f"{longest} without a change", run["quiet_wait_ms"], "ms"),
        Figure("  old answers after the commit", run["late_answers"], "", 0),
    ]


# ---------------------------------------------------------------- a flood

MIB = 1 << 20


def flooded(result):
    """The figures of a flood of forged resolvers."""
    return [
        ("A flood of forged resolvers, 1,000 honest ones", _flood(result["flood"])),
        (f"The same with max_megabytes = {flood.BOUND_MEGABYTES}", _bound(result["bound"])),
    ]


def _sum(run, key):
    return sum(phase[key] for phase in run["phases"])


def _answers(run):
    return [
        Figure("honest answers", _sum(run, "honest")),
        Figure("  that named another than the mapping", _sum(run, "moved"), "", 0),
        Figure("  mappings changed afterwards", run["rows_changed"], "", 0),
        Figure("forged answers outside the pool", _sum(run, "forged_wrong"), "", 0),
    ]


def _flood(run):
    (_, full), others = run["phases"], run["others"]
    share = full["forged"] / full["seconds"] / flood.FORGED_PER_SECOND
    return [
        Figure("forged resolvers asked, millions", full["forged"] / 1e6),
        Figure("  in", full["seconds"], "s"),
        Figure("  of the 5 million a minute that wanted to", share, "", 0.95, True, others),
        *_answers(run),
        *_waits(run),
        Figure("mappings kept", full["rows"]),
        Figure("file, in use, the most", full["used_bytes"] / MIB, "MiB", flood.DEFAULT_MEGABYTES),
        Figure("log, the most", full["log_bytes"] / MIB, "MiB"),
        *_said(run, full["rate_notices"], "max_writes_per_second"),
    ]


def _waits(run):
    (quiet, full), others = run["phases"], run["others"]
    ratio, longest = full["p99_us"] / quiet["p99_us"], "longest wait for an answer"
    return [
        Figure("honest answer, p99, quiet", quiet["p99_us"], "us"),
        Figure("honest answer, p99, in the flood", full["p99_us"], "us"),
        Figure("  in the flood / quiet", ratio, "", 3, others=others),
        Figure(f"{longest}, quiet", quiet["longest_gap_ms"], "ms"),
        Figure(f"{longest}, in the flood", full["longest_gap_ms"], "ms", 100, others=others),
    ]


def _said(run, notices, setting):
    return [
        Figure("log lines that tell of the limit", notices, "", 1, at_least=True),
        Figure("  and of anything else", _sum(run, "other_notices")),
        Figure("  status tells of it", sum(setting in line for line in run["status"])),
    ]


def _bound(run):
    first, drain, second = run["phases"]
    reach = flood.BOUND_BYTES / MIB
    settled_bytes = max(first["file_bytes"], drain["file_bytes"])  # the file grows behind the log
    return [
        *_answers(run),
        Figure("mappings kept", first["rows"]),
        Figure("file, in use, the most", first["used_bytes"] / MIB, "MiB", reach),
        *_said(run, first["full_notices"], "max_megabytes"),
        Figure("forged mappings left after a while", drain["rows"] - flood.HONEST, "", 0),
        Figure(f"  seconds of it, {flood.FORGED_TTL_S} until all expired", drain["seconds"], "s"),
        Figure("second flood: mappings kept", second["rows"]),
        Figure("  file, in use, the most", second["used_bytes"] / MIB, "MiB", reach),
        Figure("  file / what it was before", second["file_bytes"] / settled_bytes, "", 1.1),
    ]


# ---------------------------------------------------------------- the monitor


def monitored(result):
    """The figures of pdns-stickyd."""
    title = f"pdns-stickyd, {monitoring.TARGETS:,} targets every {monitoring.INTERVAL_S} s"
    return [(title, [*_checks(result), *_deaths(result)])]


def _checks(result):
    daemon, connects, others = result["daemon"], result["connects"], result["others"]
    ratio = daemon["cpu"] / max(connects["cpu"], 1e-9)
    crowding = daemon["most_in_100_ms"] / (monitoring.TARGETS / monitoring.INTERVAL_S / 10)
    return [
        Figure("processor, of one", daemon["cpu"] * 100, "%", 20, others=others),
        Figure("  of a program that only connects", connects["cpu"] * 100, "%"),
        Figure("  the monitor / that program", ratio, "", others=others),
        Figure("memory, resident", daemon["rss_kib"] / 1024, "MiB", 100),
        Figure("  private, no files", daemon["private_kib"] / 1024, "MiB", 50),
        Figure("interval, deviation, median", daemon["p50_ms"], "ms", others=others),
        Figure("  p99", daemon["p99_ms"], "ms", 50, others=others),
        Figure("  worst", daemon["max_ms"], "ms", others=others),
        Figure("  p99 of the program that only connects", connects["p99_ms"], "ms", others=others),
        Figure("most checks in 100 ms / the mean", crowding, "", others=others),
    ]


def _deaths(result):
    deaths = result["deaths"]
    return [
        Figure("death of a site to its verdict, median", deaths[len(deaths) // 2], "s"),
        Figure("  worst", deaths[-1], "s", monitoring.DEATH_BOUND_S, others=result["others"]),
    ]


# ---------------------------------------------------------------- a topology


def topology(run):
    """The figures of half a million networks."""
    others = run["others"]
    return [
        (
            f"A topology of {run['rows']:,.0f} networks",
            [
                Figure("rows of SQLite to ready", run["load_ms"], "ms", 1000, others=others),
                Figure("memory per row", run["bytes_per_row"], "bytes"),
                Figure("lookup, IPv4", run["ipv4_ns"], "ns", 1000, others=others),
                Figure("  a binary search for each length", run["ipv4_by_length_ns"], "ns"),
                Figure("lookup, IPv6", run["ipv6_ns"], "ns", 1000, others=others),
                Figure("  a binary search for each length", run["ipv6_by_length_ns"], "ns"),
                Figure("lookups that found another network", run["wrong"], "", 0),
                Figure("exec to first answer", run["first_answer_ms"], "ms", 1000, others=others),
                Figure("a change, from commit until it counts", run["change_ms"], "ms"),
                Figure("  longest wait of a question", run["longest_wait_ms"], "ms", 100),
                Figure("  first answers that named another site", run["wrong_site"], "", 0),
            ],
        )
    ]


# ---------------------------------------------------------------- with PowerDNS


def shared(result):
    """Name servers that share: from the answer here to the row there, and what it costs."""
    near, cost, seed = result["lag"], result["cost"], result["seed"]
    groups = [(f"Two name servers, {int(rate):,} new mappings a second each, beside 1 million",
               [*_lag(run, 100), *_sharers(run)]) for rate, run in near.items()]
    groups.append(("Two, 75 ms apart, 200 a second each",
                   [*_lag(result["far"], 250),
                    Figure("octets on the wire, per mapping", result["far"]["wire_bytes"])]))
    groups.append(("Ten name servers, 100 a second each", list(_lag(result["many"], 100))))
    groups.append(("Three name servers, one of which stood still", list(_still(result["still"]))))
    groups.append(("Mappings that are moved or deleted", list(_changes(result["changes"]))))
    groups.append(("What sharing costs", [*_share_costs(cost), *_share_answers(result["answers"])]))
    groups.append(("An empty name server", list(_seeding(seed))))
    return groups


def _lag(run, reach):
    others = run["others"]
    yield Figure("rows that did not come within 2 s", run["missing"], "", 0, others=others)
    yield Figure("wrong answers", run["wrong"], "", 0)
    yield Figure("from the answer to the row there, p50", run["p50_ms"], "ms")
    yield Figure("  p99", run["p99_ms"], "ms", reach, others=others)
    yield Figure("  longest", run["longest_ms"], "ms")


def _sharers(run):
    yield Figure("processor time of pdns-stickyd", 100 * run["daemon_share"], "%")
    yield Figure("processor time of nats-server", 100 * run["nats_share"], "%")
    yield Figure("private memory of pdns-stickyd", run["daemon_kib"] / 1024, "MiB")
    yield Figure("private memory of nats-server", run["nats_kib"] / 1024, "MiB")


def _share_costs(cost):
    off, on = cost["off"], cost["on"]
    others = max(off["others"], on["others"])
    more = on["answer_cpu_us"] - off["answer_cpu_us"]
    yield Figure("new mapping, until the answer, sharing off", off["answer_cpu_us"], "us")
    yield Figure("  more of it with sharing on", more, "us", 2, others=others)
    yield Figure("new mapping, in pdns-stickyd, sharing off", off["daemon_us"], "us")
    yield Figure("  with sharing on", on["daemon_us"], "us")


def _changes(run):
    for kind in ("moved", "deleted"):
        yield Figure(f"{kind} here, until it is seen there, p50", run[kind]["p50_ms"], "ms")
        yield Figure("  p99", run[kind]["p99_ms"], "ms", 100, others=run["others"])


def _still(runs):
    for what, run in runs.items():
        yield Figure(f"{what}: mended, until all is equal", run["seconds"], "s", 2,
                     others=run["others"])
        yield Figure("  rows that were not everywhere then", run["behind"])


def _share_answers(runs):
    off = runs["off"]
    yield Figure("p99 of a hit, sharing off", off["hit"]["p99_us"], "us")
    yield Figure("p99 of a new mapping, sharing off", off["new"]["p99_us"], "us")
    cost, others = rounds.ratio(runs["on"]["hit"], off["hit"], lambda run: run["cpu_us"])
    yield Figure("processor time of a hit, on / off", cost, "", 1.05, others=others)
    for what, run in runs.items():
        if what == "off":
            continue
        for kind, text in (("hit", "a hit"), ("new", "a new mapping")):
            ratio, others = rounds.ratio(run[kind], off[kind], lambda numbers: numbers["p99_us"])
            yield Figure(f"p99 of {text}, {what} / off", ratio, "", 1.25, others=others)
    yield Figure("wrong answers", sum(run[k]["wrong"] for run in runs.values() for k in run), "", 0)


def _seeding(seed):
    yield Figure("an empty server receives, rows a second", seed["rows_per_second"], "", 50_000,
                 True, seed["others"])
    yield Figure("private memory of pdns-stickyd meanwhile", seed["daemon_kib"] / 1024, "MiB")
    yield Figure("p99 of answers meanwhile, the worst", seed["p99_us"] / 1000, "ms", 100,
                 others=seed["others"])
    yield Figure("  wrong answers", seed["wrong"], "", 0)


def contenders(result):
    """A table of all that ran behind PowerDNS."""
    lines = []
    for mixture, found in result.items():
        title = f"PowerDNS, {mixture}"
        lines += [
            "",
            f"{'':<20}{'questions':>10}{'milliseconds':>20}{'CPU us/question':>17}{'others':>13}",
            f"{title:<20}{'/ second':>10}{'p50':>7}{'p99':>7}{'p99.9':>7}"
            f"{'server':>9}{'coproc.':>8}{'trips':>6}{'had':>6}",
            "-" * WIDTH,
        ]
        lines += [_contender(name, numbers) for name, numbers in found.items()]
    return "\n".join(lines)


def _contender(name, numbers):
    return (
        f"{name:<20}{numbers['per_second']:>10.0f}{numbers['p50_ms']:>7.1f}"
        f"{numbers['p99_ms']:>7.1f}{numbers['p999_ms']:>7.1f}{numbers['server_us']:>9.1f}"
        f"{numbers['coprocess_us']:>8.1f}{numbers['round_trips']:>6.2f}{numbers['others']:>6.0%}"
    )


RATIOS = (
    (served.HITS, served.NOTHING, 0.95),
    (served.MANY_HITS, served.NOTHING, 0.90),
    (served.STRANGERS, served.NOTHING, 0.70),
    (served.HITS, served.UNCACHED, 1.3),
    (served.HITS, served.PICKWHASHED, 20),
    (served.HITS, served.SHARED_LUA, None),
)


def with_powerdns(result):
    """The figures with PowerDNS."""
    trips = round(result["A alone"][served.HITS.name]["round_trips"], 2)
    figures = _all_ratios(result, RATIOS)
    written = min(found[served.STRANGERS.name]["written"] for found in result.values())
    figures += [
        Figure("new mappings written / wanted", round(written, 2), "", 0.99, at_least=True),
        Figure("round trips per question, A alone", trips, "", 1.0),
        *_failures(result),
    ]
    return [("Questions per second, compared", figures), *_against_served(result, served.CONTENDERS)]


REMOTE_RATIOS = (
    (served.REMOTE_PIPE, served.NOTHING_REMOTE_PIPE, 0.9),
    (served.REMOTE_UNIX, served.NOTHING_REMOTE_UNIX, 0.9),
    (served.PIPE, served.REMOTE_PIPE, None),
    (served.PIPE, served.REMOTE_UNIX, None),
)


def remote(result):
    """The figures with PowerDNS's remote backend."""
    figures = [*_all_ratios(result, REMOTE_RATIOS), *_failures(result)]
    groups = [("The remote backend, questions per second", figures)]
    return [*groups, *_against_served(result, served.REMOTE_CONTENDERS)]


def _against_served(result, contenders):
    """Questions a second of this program and of the other one of --against, if there is one."""
    pairs = [(one, other, 0.9) for one in contenders if (other := one.other())]
    if any(other.name not in found for found in result.values() for _, other, _ in pairs):
        return []
    return [("This program / the other one, questions per second", _all_ratios(result, pairs))]


def _failures(result):
    numbers = [run for found in result.values() for run in found.values()]
    return [
        Figure("replies that were lost", sum(run["lost"] for run in numbers), "", 0),
        Figure("replies that were wrong", sum(run["wrong"] for run in numbers), "", 0),
    ]


def _all_ratios(result, ratios):
    return [figure for item in result.items() for figure in _ratios(*item, ratios)]


def _ratios(mixture, found, ratios):
    for contender, other, reach in ratios:
        name = f"{contender.name} / {other.name}, {mixture}"
        runs, other_runs = found[contender.name], found[other.name]
        ratio, others = rounds.ratio(runs, other_runs, lambda run: run["per_second"])
        yield Figure(name, ratio, "", reach, at_least=True, others=others)
        if other.does_nothing:
            ratio, _ = rounds.ratio(other_runs, runs, _cpu_us)
            yield Figure("  by processor time, the load's left out", ratio)


def _cpu_us(run):
    return run["server_us"] + run["coprocess_us"]
