"""The fake API server keeps the rules that scenarios build on.

Asked here by function call; that it speaks HTTP/2 to the operator, every scenario shows.
"""

import json
import pathlib

import pytest

from . import kubestatus
from .fakeserver import Request
from .kubefake import KubeFake, status
from .kubepatch import PatchFailed, json_patch, merge_patch, split_pointer
from .kuberequest import asks, name_of, target_of, verb_of
from .kubestatus import Refusal
from .kubewatch import Watch

FIXTURES = pathlib.Path(__file__).resolve().parents[1] / "fixtures/kubeadm-1.37.2"
MERGE = "application/merge-patch+json"
PATCH = "application/json-patch+json"
ROOT = "/api/v1/namespaces/kube-system"
DNS = f"{ROOT}/services/kube-dns"


def request(method, path, body=None, content_type="application/json", **query):
    return Request(method=method, path=path, query=query, headers={"content-type": content_type},
                   body=b"" if body is None else json.dumps(body).encode(), connection=1,
                   client_name=None, protocol="h2", target=path)


@pytest.fixture
def fake():
    with KubeFake(tls=False) as server:
        server.load(FIXTURES)
        yield server


def refusal(fake, *arguments, **options):
    with pytest.raises(Refusal) as caught:
        fake.carry_out(request(*arguments, **options))
    body = caught.value.status
    return body["code"], body["reason"], body["message"]


# --- patches ---

@pytest.mark.parametrize("target, patch, result", [  # the examples of RFC 7396, appendix A
    ({"a": "b"}, {"a": "c"}, {"a": "c"}),
    ({"a": "b"}, {"b": "c"}, {"a": "b", "b": "c"}),
    ({"a": "b"}, {"a": None}, {}),
    ({"a": "b", "b": "c"}, {"a": None}, {"b": "c"}),
    ({"a": ["b"]}, {"a": "c"}, {"a": "c"}),
    ({"a": "c"}, {"a": ["b"]}, {"a": ["b"]}),
    ({"a": {"b": "c"}}, {"a": {"b": "d", "c": None}}, {"a": {"b": "d"}}),
    ({"a": [{"b": "c"}]}, {"a": [1]}, {"a": [1]}),
    (["a", "b"], ["c", "d"], ["c", "d"]),
    ({"a": "b"}, ["c"], ["c"]),
    ({"a": "foo"}, None, None),
    ({"a": "foo"}, "bar", "bar"),
    ({"e": None}, {"a": 1}, {"e": None, "a": 1}),
    ([1, 2], {"a": "b", "c": None}, {"a": "b"}),
    ({}, {"a": {"bb": {"ccc": None}}}, {"a": {"bb": {}}}),
])
def test_merge_patch(target, patch, result):
    before = json.dumps(target)
    assert merge_patch(target, patch) == result
    assert json.dumps(target) == before


@pytest.mark.parametrize("target, patch, result", [  # RFC 6902, appendix A, and our own
    ({"a": 1}, [{"op": "add", "path": "/b", "value": 2}], {"a": 1, "b": 2}),
    ({"a": [1, 3]}, [{"op": "add", "path": "/a/1", "value": 2}], {"a": [1, 2, 3]}),
    ({"a": [1]}, [{"op": "add", "path": "/a/-", "value": 2}], {"a": [1, 2]}),
    ({"a": [1]}, [{"op": "add", "path": "/a/1", "value": 2}], {"a": [1, 2]}),
    ({"a": 1, "b": 2}, [{"op": "remove", "path": "/b"}], {"a": 1}),
    ({"a": [1, 2, 3]}, [{"op": "remove", "path": "/a/1"}], {"a": [1, 3]}),
    ({"a": 1}, [{"op": "replace", "path": "/a", "value": 2}], {"a": 2}),
    ({"a": [1, 2]}, [{"op": "replace", "path": "/a/0", "value": 9}], {"a": [9, 2]}),
    ({"a": 1}, [{"op": "test", "path": "/a", "value": 1.0}], {"a": 1}),
    ({"a~b": {"c/d": 1}}, [{"op": "replace", "path": "/a~0b/c~1d", "value": 2}],
     {"a~b": {"c/d": 2}}),
    ({"a": 1}, [{"op": "replace", "path": "", "value": []}], []),
])
def test_json_patch(target, patch, result):
    assert json_patch(target, patch) == result


@pytest.mark.parametrize("target, patch", [
    ({"a": 1}, [{"op": "test", "path": "/a", "value": 2}]),
    ({"a": 1}, [{"op": "test", "path": "/a", "value": True}]),
    ({"a": 1}, [{"op": "test", "path": "/b", "value": None}]),
    ({"a": 1}, [{"op": "replace", "path": "/b", "value": 2}]),
    ({"a": 1}, [{"op": "remove", "path": "/b"}]),
    ({"a": 1}, [{"op": "remove", "path": ""}]),
    ({"a": [1]}, [{"op": "add", "path": "/a/2", "value": 2}]),
    ({"a": [1]}, [{"op": "replace", "path": "/a/1", "value": 2}]),
    ({"a": [1, 2]}, [{"op": "replace", "path": "/a/01", "value": 2}]),
    ({"a": 1}, [{"op": "add", "path": "/b/c", "value": 2}]),
    ({"a": 1}, [{"op": "add", "path": "/a/b", "value": 2}]),
    ({"a": 1}, [{"op": "guess", "path": "/a"}]),
])
def test_json_patch_that_fails(target, patch):
    first = {"op": "add", "path": "/first", "value": 0}
    with pytest.raises(PatchFailed):
        json_patch(target, [first, *patch])
    assert "first" not in target


def test_pointers():
    assert split_pointer("") == []
    assert split_pointer("/") == [""]
    assert split_pointer("/a~01/b~1c") == ["a~1", "b/c"]
    with pytest.raises(PatchFailed):
        split_pointer("a")


# --- what is asked for ---

@pytest.mark.parametrize("method, path, query, verb, plural, name", [
    ("GET", f"{ROOT}/services", {}, "list", "services", ""),
    ("GET", f"{ROOT}/services", {"watch": "true"}, "watch", "services", ""),
    ("GET", f"{ROOT}/services", {"watch": "true", "sendInitialEvents": "true"}, "stream",
     "services", ""),
    ("GET", DNS, {}, "get", "services", "kube-dns"),
    ("GET", f"{ROOT}/services", {"fieldSelector": "metadata.name=x"}, "list", "services", "x"),
    ("GET", "/api/v1/nodes/n", {}, "get", "nodes", "n"),
    ("GET", "/api/v1/pods", {}, "list", "pods", ""),
    ("POST", "/apis/events.k8s.io/v1/namespaces/kube-system/events", {}, "create", "events", ""),
    ("PATCH", DNS, {}, "patch", "services", "kube-dns"),
    ("PUT", DNS, {}, "update", "services", "kube-dns"),
    ("DELETE", f"{ROOT}/pods/p", {}, "delete", "pods", "p"),
])
def test_what_is_asked_for(method, path, query, verb, plural, name):
    asked = request(method, path, **query)
    assert (verb_of(asked), target_of(path).resource.plural, name_of(asked)) == (verb, plural, name)
    assert asks(verb, plural, name)(asked) and asks(f"x {verb}", plural)(asked)
    assert not asks(verb, plural, "other")(asked) and not asks("none", plural)(asked)


@pytest.mark.parametrize("path", ["/api/v1/secrets", "/apis/apps/v2/deployments", "/readyz",
                                  f"{DNS}/status"])
def test_what_there_is_not(fake, path):
    assert target_of(path) is None
    if path != "/readyz":
        assert refusal(fake, "GET", path)[:2] == (404, "NotFound")


# --- reads ---

def test_get(fake):
    code, service = fake.carry_out(request("GET", DNS))
    assert (code, service["kind"], service["metadata"]["name"]) == (200, "Service", "kube-dns")
    assert refusal(fake, "GET", f"{ROOT}/services/none") == (
        404, "NotFound", 'services "none" not found')


def test_list_by_name_and_label(fake):
    def names(**query):
        _, body = fake.carry_out(request("GET", f"{ROOT}/configmaps", **query))
        assert body["kind"] == "ConfigMapList"
        assert all("kind" not in item for item in body["items"])
        return [item["metadata"]["name"] for item in body["items"]]

    assert names() == ["coredns", "kube-proxy"]
    assert names(fieldSelector="metadata.name=coredns") == ["coredns"]
    assert names(fieldSelector="metadata.name=none") == []
    assert names(labelSelector="app=kube-proxy") == ["kube-proxy"]
    assert names(labelSelector="app=none") == []


def test_pages(fake):
    def page(**query):
        return fake.carry_out(request("GET", f"{ROOT}/configmaps", **query))[1]

    first = page(limit="1")
    token = first["metadata"]["continue"]
    second = page(limit="1", **{"continue": token})
    assert [len(first["items"]), len(second["items"])] == [1, 1]
    assert "continue" not in second["metadata"]
    assert len(page(limit="1", resourceVersion="0")["items"]) == 2  # from the watch cache
    fake.version += 1
    fake.compact()
    with pytest.raises(Refusal) as caught:
        page(limit="1", **{"continue": token})
    assert caught.value.status["reason"] == "Expired"


def test_list_at_a_version(fake):
    assert fake.carry_out(request("GET", f"{ROOT}/pods", resourceVersion=str(fake.version)))
    code, reason, _ = refusal(fake, "GET", f"{ROOT}/pods", resourceVersion=str(fake.version + 1))
    assert (code, reason) == (504, "Timeout")


# --- watches ---

def frames_of(fake, change, **query):
    """What a watch is sent from its begin to after `change`."""
    sent = []
    watch = Watch(request("GET", f"{ROOT}/configmaps", watch="true", **query), None)
    watch.is_open = lambda: True
    watch.send = lambda data: sent.append(json.loads(data))
    watch.end = lambda: sent.append("end")
    with fake.lock:
        fake._begin(watch)
        fake.watches.append(watch)
        change()
        fake.watches.remove(watch)
    return [frame if frame == "end" else
            (frame["type"], frame["object"].get("metadata", {}).get("name"),
             frame["object"].get("code")) for frame in sent]


def labelled(fake, **labels):
    return lambda: fake.edit("configmaps", "coredns",
                             lambda config: config["metadata"].update(labels=labels))


def test_watch_from_a_version(fake):
    version = str(fake.version)
    labelled(fake, a="1")()
    assert frames_of(fake, labelled(fake, a="2"), resourceVersion=version) == [
        ("MODIFIED", "coredns", None), ("MODIFIED", "coredns", None)]


def test_watch_in_the_future_is_silent(fake):
    assert not frames_of(fake, labelled(fake, a="1"), resourceVersion=str(fake.version + 1))
    assert frames_of(fake, labelled(fake, a="2"), resourceVersion=str(fake.version))


def test_watch_too_far_back(fake):
    version = str(fake.version - 1)
    fake.compact()
    assert frames_of(fake, lambda: None, resourceVersion=version) == [("ERROR", None, 410), "end"]


def test_watch_of_a_selection(fake):
    """What comes to match is added, what does not any more is deleted."""
    def change():
        labelled(fake, a="1")()
        labelled(fake, a="1", b="1")()
        labelled(fake, a="2")()
        labelled(fake, a="3")()

    assert frames_of(fake, change, resourceVersion=str(fake.version), labelSelector="a=1") == [
        ("ADDED", "coredns", None), ("MODIFIED", "coredns", None), ("DELETED", "coredns", None)]


def test_streamed_list(fake):
    initial = {"sendInitialEvents": "true", "resourceVersionMatch": "NotOlderThan"}
    assert frames_of(fake, labelled(fake, a="1"), **initial) == [
        ("ADDED", "coredns", None), ("ADDED", "kube-proxy", None), ("BOOKMARK", None, None),
        ("MODIFIED", "coredns", None)]
    for refused in ({"sendInitialEvents": "true"},
                    {**initial, "resourceVersion": str(fake.version + 1)}):
        with pytest.raises(Refusal):
            frames_of(fake, lambda: None, **refused)
    fake.streams = False
    with pytest.raises(Refusal) as caught:
        frames_of(fake, lambda: None, **initial)
    assert caught.value.status["code"] == 422


def test_restore_goes_back(fake):
    backup = fake.snapshot()
    labelled(fake, a="1")()
    fake.restore(backup)
    assert fake.version == backup[0]
    assert "labels" not in fake.get("configmaps", "coredns")["metadata"]


# --- writes ---

def version_of(fake):
    return fake.get("services", "kube-dns")["metadata"]["resourceVersion"]


def test_merge_patch_of_an_object(fake):
    body = {"metadata": {"annotations": {"a": "1"}, "resourceVersion": version_of(fake)}}
    code, service = fake.carry_out(request("PATCH", DNS, body, MERGE))
    assert (code, service["metadata"]["annotations"]["a"]) == (200, "1")
    assert service["metadata"]["resourceVersion"] == str(fake.version)
    assert refusal(fake, "PATCH", DNS, body, content_type=MERGE)[:2] == (409, "Conflict")


def test_patch_that_changes_nothing(fake):
    before = version_of(fake)
    fake.carry_out(request("PATCH", DNS, {"metadata": {"labels": {"k8s-app": "kube-dns"}}}, MERGE))
    assert version_of(fake) == before


def test_patch_of_another_object_of_that_name(fake):
    code, reason, message = refusal(fake, "PATCH", DNS, {"metadata": {"uid": "x"}},
                                    content_type=MERGE)
    assert (code, reason) == (422, "Invalid") and "field is immutable" in message


def test_json_patch_of_an_object(fake):
    good = [{"op": "test", "path": "/metadata/labels/k8s-app", "value": "kube-dns"},
            {"op": "add", "path": "/metadata/labels/new", "value": "1"}]
    assert fake.carry_out(request("PATCH", DNS, good, PATCH))[0] == 200
    bad = [{"op": "test", "path": "/metadata/labels/k8s-app", "value": "other"}, good[1]]
    assert refusal(fake, "PATCH", DNS, bad, content_type=PATCH) == (
        422, "Invalid", "the server rejected our request due to an error in our request")
    assert refusal(fake, "PATCH", DNS, good, content_type="application/yaml")[0] == 415
    assert refusal(fake, "PATCH", f"{ROOT}/services/none", good, content_type=PATCH)[0] == 404


def test_create(fake):
    body = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "new"}}
    code, made = fake.carry_out(request("POST", f"{ROOT}/configmaps", body))
    assert code == 201 and made["metadata"]["namespace"] == "kube-system"
    assert made["metadata"]["uid"] and made["metadata"]["resourceVersion"] == str(fake.version)
    assert refusal(fake, "POST", f"{ROOT}/configmaps", body) == (
        409, "AlreadyExists", 'configmaps "new" already exists')


def test_update(fake):
    service = fake.get("services", "kube-dns")
    service["metadata"]["labels"]["new"] = "1"
    assert fake.carry_out(request("PUT", DNS, service))[0] == 200
    assert refusal(fake, "PUT", DNS, service)[:2] == (409, "Conflict")


@pytest.mark.parametrize("field", ["uid", "resourceVersion"])
def test_delete_with_a_precondition(fake, field):
    wrong = {"preconditions": {field: "wrong"}}
    code, reason, message = refusal(fake, "DELETE", DNS, wrong)
    assert (code, reason) == (409, "Conflict") and "Precondition failed" in message
    right = {"preconditions": {field: fake.get("services", "kube-dns")["metadata"][field]}}
    assert fake.carry_out(request("DELETE", DNS, right))[1]["status"] == "Success"
    assert refusal(fake, "DELETE", DNS)[0] == 404


def test_bad_body(fake):
    broken = request("PATCH", DNS, content_type=MERGE)
    object.__setattr__(broken, "body", b"{")
    with pytest.raises(Refusal) as caught:
        fake.carry_out(broken)
    assert caught.value.status["code"] == 400


# --- faults, readiness ---

def test_faults_come_in_their_order(fake):
    wanted = request("GET", f"{ROOT}/pods")
    busy, broken = (status(kubestatus.too_many_requests(1)), status(kubestatus.internal_error()))
    fake.fault(asks("list", "pods"), busy, None, broken)
    assert fake._fault(request("GET", f"{ROOT}/services")) is None
    assert [fake._fault(wanted) for _ in range(4)] == [busy, None, broken, None]
    rule = fake.fault_always(asks("list", "pods"), busy)
    assert [fake._fault(wanted) for _ in range(3)] == [busy] * 3
    rule.lift()
    assert fake._fault(wanted) is None


def test_readiness(fake):
    assert fake.carry_out(request("GET", "/readyz")) == (200, "ok")
    fake.ready = 500
    assert fake.carry_out(request("GET", "/readyz"))[0] == 500
    assert fake.carry_out(request("GET", "/livez"))[0] == 200
    assert fake.carry_out(request("GET", "/version"))[1]["minor"] == "37"
