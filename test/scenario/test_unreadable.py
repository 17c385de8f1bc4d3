"""Objects that the operator cannot read: it says so, and decides nothing from the rest.

A kube-apiserver stores no such object; something between it and the operator may break one.
"""

from rig import SERVICE, node

ODD = ("nodes", "", "odd-1")


def said_of_service(rig, *words):
    """Events on the object that the adjustment is about."""
    return [event["note"] for event in rig.events("UnreadableObject")
            if event["regarding"]["name"] == SERVICE[1]
            and all(word in event["note"] for word in words)]


def test_an_object_that_cannot_be_read(rig):
    """It is said once, and nothing is written until it is gone."""
    rig.begin()
    odd = node(ODD[2])
    odd["metadata"]["labels"] = "none"
    rig.fake.create(odd)
    first = "Node odd-1 cannot be read: metadata.labels is no object but string"
    rig.until("the Event is there", lambda: said_of_service(rig, first))
    assert rig.lines("WARN", first, "adjustment=service-topology")
    rig.drift()
    rig.fake.edit(*ODD[::2], lambda obj: obj["metadata"].update(labels=7), ODD[1])
    rig.until("it is said anew", lambda: said_of_service(rig, "no object but number"))
    gone = rig.fake.version
    rig.fake.remove(*ODD[::2], ODD[1])
    rig.until_repaired()
    repaired = [version for version, key in rig.fake.changes(0) if key[0] == SERVICE[0]][-1]
    assert repaired > gone
    assert len(rig.writes()) == 1
    assert len(said_of_service(rig)) == 2


def test_a_pool_label_that_is_no_label(rig):
    """The node is named, and nothing is decided about the pools without it."""
    rig.begin()
    odd = node(ODD[2])
    odd["metadata"]["labels"] = {"apps.openyurt.io/nodepool": "a b"}
    rig.fake.create(odd)
    why = ('Node odd-1 cannot be read: metadata.labels[apps.openyurt.io/nodepool] is "a b", '
           "which is no label value")
    rig.until("the Event is there", lambda: said_of_service(rig, why))
    rig.drift()
    gone = rig.fake.version
    rig.fake.edit(*ODD[::2], lambda obj: obj["metadata"].update(
        labels={"apps.openyurt.io/nodepool": "a-b"}), ODD[1])
    rig.fake.remove(*ODD[::2], ODD[1])
    rig.until_repaired()
    repaired = [version for version, key in rig.fake.changes(0) if key[0] == SERVICE[0]][-1]
    assert repaired > gone
