"""From the rounds of a measurement to one number: medians of those that were not disturbed.

A round is a dictionary of numbers; "others" is the part of the machine that other programs had.
"""

import statistics

DISTURBED = 0.05  # of the machine
ENOUGH = 3  # rounds that count, be they disturbed or not


def _that_count(rounds, others):
    """The undisturbed ones; where these are too few, the least disturbed."""
    ordered = sorted(rounds, key=others)
    quiet = [one for one in ordered if others(one) <= DISTURBED]
    return quiet if len(quiet) >= ENOUGH else ordered[:ENOUGH]


def medians(rounds):
    """The median of each number, all rounds, and sums of what must not happen at all."""
    counting = _that_count(rounds, lambda one: one["others"])
    middle = {key: statistics.median(one[key] for one in counting) for key in rounds[0]}
    middle["others"] = max(one["others"] for one in counting)
    middle |= {key: sum(one[key] for one in rounds) for key in ("wrong", "lost") if key in middle}
    return {**middle, "rounds": rounds}


def ratio(upper, lower, value):
    """The median of the rounds' ratios, and how much the worse side of these was disturbed."""

    def others(pair):
        return max(one["others"] for one in pair)

    counting = _that_count(list(zip(upper["rounds"], lower["rounds"])), others)
    middle = statistics.median(value(a) / max(value(b), 1e-9) for a, b in counting)
    return middle, max(map(others, counting))
