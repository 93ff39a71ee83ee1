"""The floor: halls and their places, people and devices, limits, alarms, and the keys of taps."""

from hall.models.alarms import Alarm, AlarmEvent, AlarmRung
from hall.models.counters import Counter, CounterEvent
from hall.models.devices import Device
from hall.models.guesses import Guesses
from hall.models.halls import DayClose, Hall, Heartbeat, Holiday, OpeningInterval, Room, Zone
from hall.models.limits import Limit, LimitOverride
from hall.models.people import STANDING, Kind, Membership, Person
from hall.models.posts import HallPost, Post, Posting
from hall.models.taps import Tap

__all__ = [
    "STANDING",
    "Alarm",
    "AlarmEvent",
    "AlarmRung",
    "Counter",
    "CounterEvent",
    "DayClose",
    "Device",
    "Guesses",
    "Hall",
    "HallPost",
    "Heartbeat",
    "Holiday",
    "Kind",
    "Limit",
    "LimitOverride",
    "Membership",
    "OpeningInterval",
    "Person",
    "Post",
    "Posting",
    "Room",
    "Tap",
    "Zone",
]
