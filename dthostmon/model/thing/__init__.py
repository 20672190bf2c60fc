"""What is on a host, thing by thing, as the probes found it.

A thing is known by its kind and its subject; two of the same kind and subject are the same thing, perhaps changed.
Fields that change by themselves are not compared (`compare=False`): they are shown, and are no change.
"""

from dthostmon.model.thing.accounts import AuthorizedKey, Group, Login, ShellHistory, SudoRule, User
from dthostmon.model.thing.files import Certificate, SetuidFile, WatchedFile
from dthostmon.model.thing.inventory import Inventory, StoredInventory
from dthostmon.model.thing.kind import Thing, ThingKind
from dthostmon.model.thing.machine import Boot, Clock, Drive, KernelSetting, Module, Mount, StorageArray
from dthostmon.model.thing.network import Firewall, InterfaceAddress, NameServers, Port, Route
from dthostmon.model.thing.software import Container, CronEntry, Package, Service, Timer, Updates

__all__ = [
    "AuthorizedKey",
    "Boot",
    "Certificate",
    "Clock",
    "Container",
    "CronEntry",
    "Drive",
    "Firewall",
    "Group",
    "InterfaceAddress",
    "Inventory",
    "KernelSetting",
    "Login",
    "Module",
    "Mount",
    "NameServers",
    "Package",
    "Port",
    "Route",
    "Service",
    "SetuidFile",
    "ShellHistory",
    "StorageArray",
    "StoredInventory",
    "SudoRule",
    "Thing",
    "ThingKind",
    "Timer",
    "Updates",
    "User",
    "WatchedFile",
]
