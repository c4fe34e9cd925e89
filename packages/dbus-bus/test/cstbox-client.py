"""A CSTBox client in Python's own D-Bus binding, as drivers and the original gateway are written.

Listens to a channel, emits on it in both ways, and prints what it hears as JSON lines.
"""
import json
import sys

import dbus
import dbus.mainloop.glib
from gi.repository import GLib

NAME = "fr.cstb.cstbox.EventManager"

dbus.mainloop.glib.DBusGMainLoop(set_as_default=True)
bus = dbus.SessionBus()
loop = GLib.MainLoop()
heard = []


def on_event(timestamp, var_type, var_name, data):
    heard.append([str(timestamp), var_type, var_name, json.loads(data)])
    if len(heard) == 2:
        loop.quit()


proxy = bus.get_object(NAME, "/sensor")
channel = dbus.Interface(proxy, NAME)
channel.connect_to_signal("onCSTBoxEvent", on_event)
replies = [
    channel.emitEvent("temperature", "küche", json.dumps({"value": 21.5, "unit": "degC"})),
    channel.emitFullEvent(dbus.UInt64(2**64 - 1), "motion", "hall", "{}"),
]
GLib.timeout_add(3000, loop.quit)
loop.run()
print(json.dumps({"replies": [[type(r).__name__, bool(r)] for r in replies], "heard": heard}))

container = dbus.Interface(bus.get_object(NAME, "/__system__"), "fr.cstb.cstbox.__system__")
if "--terminate" in sys.argv:
    container.terminate()
