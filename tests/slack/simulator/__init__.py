"""Slack on loopback: what an app calls, what it is sent, and what people see and do.

`async with Slack.running() as slack:` gives the server; `slack.team(…)`, `slack.person(…)`,
`slack.channel(…)` its people; `slack.fail/delay/lose` its bad days; `slack.seen(channel, thread)` what is on
the screens. Shapes are those of slack-bolt 1.30.0 and slack_sdk 3.47.0 and of docs.slack.dev.
"""

from tests.slack.simulator.people import Person
from tests.slack.simulator.server import Slack
from tests.slack.simulator.world import Channel, Posted, Team

__all__ = ["Channel", "Person", "Posted", "Slack", "Team"]
