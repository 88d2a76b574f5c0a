"""All of the benchmark: measures, prints the table, writes the JSON file.

    bench.py DIRECTORY [--quick] [--only PART] [--against PROGRAM] [--patience SECONDS]

DIRECTORY (build/bench) holds the built pdns-sticky and, in tools/, the programs of this folder;
the databases and result.json go there too.  scripts/bench builds all that and calls this.
"""

import argparse
import dataclasses
import json
import os
import platform
import signal
import sys
import time
from pathlib import Path

import alone
import databases
import figures
import flood
import monitoring
import processors
import rounds
import served
import share
import topology


PARTS = ("alone", "powerdns", "remote", "flood", "monitor", "topology", "share")


@dataclasses.dataclass(frozen=True)
class Scale:
    """How much of each measurement."""

    rounds: int
    remote_rounds: int  # of fewer contenders, and a socket's numbers vary more
    questions: int  # without PowerDNS
    strangers: int
    starts: int
    reloads: int
    visible_s: int  # of new mappings at each rate
    seconds: float  # of load on PowerDNS, for each contender, mixture and round
    quiet_s: int  # before the flood
    flood_s: int
    monitor_s: int
    share_s: int  # of new mappings at each rate
    share_rows: int  # that an empty server receives
    patience_s: float  # in all, with other programs


FULL = Scale(
    rounds=5,
    remote_rounds=9,
    questions=30_000,
    strangers=12_000,
    starts=21,
    reloads=7,
    visible_s=10,
    seconds=1.5,
    quiet_s=15,
    flood_s=60,
    monitor_s=60,
    share_s=15,
    share_rows=10_000_000,
    patience_s=40,
)
QUICK = Scale(
    rounds=1,
    remote_rounds=1,
    questions=20_000,
    strangers=10_000,
    starts=7,
    reloads=3,
    visible_s=5,
    seconds=1.0,
    quiet_s=5,
    flood_s=15,
    monitor_s=20,
    share_s=5,
    share_rows=200_000,
    patience_s=8,
)


def parse():
    parser = argparse.ArgumentParser()
    parser.add_argument("directory", type=Path)
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--only", choices=PARTS)
    parser.add_argument("--against", type=Path, metavar="PROGRAM")
    parser.add_argument("--patience", type=float, metavar="SECONDS")
    return parser.parse_args()


def say(text):
    """Progress, for the person who waits."""
    print(f"  {text}", file=sys.stderr, flush=True)


def machine():
    """What the numbers were measured on."""
    return {
        "processors": os.cpu_count(),
        "kernel": platform.release(),
        "load_before": os.getloadavg()[0],
        "started": time.strftime("%Y-%m-%d %H:%M:%S %z"),
    }


def measure(options, scale):
    tools, program = options.directory / "tools", options.directory / "pdns-sticky"
    store = databases.Databases(options.directory / "data", tools)
    patience_s = scale.patience_s if options.patience is None else options.patience
    quiet = processors.Quiet(patience_s)
    result = {"machine": machine(), "scale": dataclasses.asdict(scale)}
    arguments = (tools, program, store, scale, quiet, say)
    if options.only == "flood":
        return {**result, "flood": flood.Flood(*arguments).run()}
    if options.only == "monitor":
        return {**result, "monitor": monitoring.Monitor(*arguments).run()}
    if options.only == "topology":
        return {**result, "topology": topology.Topology(*arguments).run()}
    if options.only == "share":
        return {**result, "share": share.Share(*arguments).run()}
    if options.only == "remote":
        return {**result, "remote": served.Remote(*arguments, options.against).run()}
    say("databases of 10 thousand, 1 million and 10 million mappings")
    for size in alone.SIZES:
        store.web(size)
    if options.only != "alone":
        result["powerdns"] = served.Served(*arguments, options.against).run()
    if options.only != "powerdns":
        result["alone"] = alone.Alone(*arguments, options.against).run()
    return result


def grouped_figures(result):
    groups = []
    if "powerdns" in result:
        groups += figures.with_powerdns(result["powerdns"])
    if "remote" in result:
        groups += figures.remote(result["remote"])
    if "alone" in result:
        groups += figures.alone(result["alone"])
    if "flood" in result:
        groups += figures.flooded(result["flood"])
    if "monitor" in result:
        groups += figures.monitored(result["monitor"])
    if "topology" in result:
        groups += figures.topology(result["topology"])
    if "share" in result:
        groups += figures.shared(result["share"])
    return groups


def disturbance(result):
    """The largest share of the machine that other programs had in a round that counts."""
    if "others" in result:
        return result["others"]
    return max((disturbance(part) for part in result.values() if isinstance(part, dict)), default=0)


def write(path, result, groups):
    rows = [
        {**dataclasses.asdict(figure), "reached": figure.reached, "group": title}
        for title, group in groups
        for figure in group
    ]
    path.write_text(json.dumps({**result, "figures": rows}, indent=1) + "\n")


def show(path, result, groups):
    for part in ("powerdns", "remote"):
        if part in result:
            print(figures.contenders(result[part]))
    print(figures.table(groups))
    others = disturbance(result)
    print(f"\n{result['seconds']:.0f} seconds; all numbers are in {path}")
    if others > rounds.DISTURBED:
        print(f"Other programs had up to {others:.0%} of this machine: expect no exact numbers.")


def main():
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that servers and copies go too
    options = parse()
    options.directory = options.directory.resolve()
    started = time.monotonic()
    result = measure(options, QUICK if options.quick else FULL)
    result["seconds"] = round(time.monotonic() - started, 1)
    groups = grouped_figures(result)
    path = options.directory / "result.json"
    write(path, result, groups)
    show(path, result, groups)


if __name__ == "__main__":
    main()
