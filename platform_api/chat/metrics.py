"""What operators see of turns (SPEC 12)."""

from prometheus_client import Counter, Gauge, Histogram

turns_total = Counter("switchboard_turns_total", "Turns by how they ended.", ["outcome"])
first_text_seconds = Histogram(
    "switchboard_turn_first_text_seconds",
    "From the acceptance of a turn to its first text.",
    buckets=(0.01, 0.025, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 30),
)
turn_seconds = Histogram(
    "switchboard_turn_seconds",
    "Whole turns.",
    buckets=(0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 180),
)
withheld_total = Counter(
    "switchboard_sentences_withheld_total",
    "Sentences that no source supported, by what refused them and whether the source spoke instead.",
    ["layer", "then"],
)
judged_total = Counter(
    "switchboard_sentences_judged_total",
    "Sentences that a judge was asked about, by what came of it.",
    ["then"],
)
running = Gauge("switchboard_turns_running", "Turns that run in this process.")
orphans_total = Counter("switchboard_turns_orphaned_total", "Turns that a sweeper had to end.")
