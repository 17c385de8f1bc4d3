"""The roles of deploy/: enough for all that the end-to-end tests did, and no more.

`make test-e2e` runs this after them, on the audit logs of their API servers (AUDIT_LOGS, a
directory). The operator was known there by the names in (USER, ACCOUNT) and had these roles only.
"""

import json
import os
import pathlib
import sys

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))

from live.roles import ACCOUNT, USER, roles  # noqa: E402


@pytest.fixture(scope="session")
def requests():
    """(verb, group, resource, namespace, name) of all requests, and the codes of the answers."""
    found = {}
    logs = sorted(pathlib.Path(os.environ["AUDIT_LOGS"]).glob("*.log"))
    assert logs, "the end-to-end tests left no audit log"
    for path in logs:
        with open(path, encoding="utf-8") as log:
            for line in log:
                entry = json.loads(line)
                about = entry.get("objectRef")
                if entry["user"].get("username") in (USER, ACCOUNT) and about:
                    key = (entry["verb"], about.get("apiGroup", ""), about["resource"],
                           about.get("namespace", ""), about.get("name", ""))
                    found.setdefault(key, set()).add(entry["responseStatus"]["code"])
    return found


# Not seen in these logs: `update` is for servers without server-side apply (415); `create` is asked
# for by an apply that makes the object, which the audit log has as a patch.
UNSEEN = [("update", "apps", "daemonsets", "kube-system", "coredns"),
          ("create", "apps", "daemonsets", "kube-system", "")]


def rules():
    """Each as (verb, group, resource, namespace or "", name or "")."""
    for found in roles():
        if found["kind"] not in ("Role", "ClusterRole"):
            continue
        for rule in found["rules"]:
            for verb in rule["verbs"]:
                for group in rule["apiGroups"]:
                    for resource in rule["resources"]:
                        for name in rule.get("resourceNames", [""]):
                            yield (verb, group, resource,
                                   found["metadata"].get("namespace", ""), name)


def uses(request, rule):
    return (request[:3] == rule[:3] and rule[3] in ("", request[3])
            and rule[4] in ("", request[4]))


def test_no_request_was_refused(requests):
    assert [key for key, codes in requests.items() if 403 in codes] == []


def test_every_permission_was_used(requests):
    unused = [rule for rule in rules() if not any(uses(request, rule) for request in requests)]
    assert unused == UNSEEN
