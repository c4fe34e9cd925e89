"""Reads all properties of an object in Python's own D-Bus binding, tries to set one, and calls its method `echo`."""
import json
import sys

import dbus

name, path = sys.argv[1:]
proxy = dbus.SessionBus().get_object(name, path)
properties = dbus.Interface(proxy, "org.freedesktop.DBus.Properties")
try:
    properties.Set(name, "IsOn", True)
    refusal = None
except dbus.DBusException as error:
    refusal = error.get_dbus_name()
print(json.dumps({
    "all": properties.GetAll(name),
    "set": refusal,
    "echo": dbus.Interface(proxy, name).echo("hall"),
}))
