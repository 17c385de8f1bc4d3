"""What an API server's audit log says of who wrote when."""

import json

READS = ("get", "list", "watch")


def entries(path, since=0):
    """Every request from that offset on, in the order of their arrival."""
    found = []
    with open(path, encoding="utf-8") as log:
        log.seek(since)
        for line in log:
            if line.endswith("\n"):  # the last one may be half there
                found.append(json.loads(line))
    return sorted(found, key=lambda entry: entry["requestReceivedTimestamp"])


def user_of(entry):
    """"" for somebody whom the API server did not know."""
    return entry["user"].get("username", "")


def carried_out(entry):
    return entry["responseStatus"]["code"] < 300


def is_write(entry):
    """Of anything but Events, which anybody may write at any time."""
    return entry["verb"] not in READS and entry.get("objectRef", {}).get("resource") not in (
        "events", None)


def of_lease(entry):
    about = entry["objectRef"]
    return (about["resource"], about.get("name", "yurt-steward")) == ("leases", "yurt-steward")


def tenures(log, users):
    """[(user, from, to)]: the times at which the Lease was known to be held by one of `users`.

    The log has no bodies. Whoever could write the Lease held it, from the answer to that until the
    next one asked for it and got it; the write that gives it up is the last of its tenure.
    """
    found = []
    for entry in log:
        if not (is_write(entry) and of_lease(entry) and carried_out(entry)
                and user_of(entry) in users):
            continue
        if found and found[-1][0] == user_of(entry):
            continue
        if found:
            found[-1][2] = entry["requestReceivedTimestamp"]
        found.append([user_of(entry), entry["stageTimestamp"], "9999"])
    return [tuple(tenure) for tenure in found]


def writes_of(log, users):
    return [entry for entry in log
            if is_write(entry) and not of_lease(entry) and user_of(entry) in users]


def out_of_turn(log, users):
    """The writes of `users` outside of their own tenures: there must be none.

    From arrival to answer each has to lie within one. Times are the API server's own.
    """
    turns = tenures(log, users)
    return [entry for entry in writes_of(log, users) if not any(
        user == user_of(entry) and begin < entry["requestReceivedTimestamp"]
        and entry["stageTimestamp"] < end for user, begin, end in turns)]


def told(wrong):
    """For the message of a test that fails."""
    return "\n".join(f"{entry['requestReceivedTimestamp']} {user_of(entry)} {entry['verb']} "
                     f"{entry['objectRef']['resource']}/{entry['objectRef'].get('name')} "
                     f"{entry['responseStatus']['code']}" for entry in wrong)
