"""The three ways to install make the same objects; and what the chart's values change."""

import json

import pytest
import yaml

import render

MONITORING = ("--set", "monitoring.enabled=true")
AGENT = ("--set", "staticPods.enabled=true")


def test_kustomize_base_is_the_plain_file():
    assert render.kustomize("base") == render.plain()


def test_chart_makes_the_plain_file():
    assert render.chart() == render.plain()


def test_chart_makes_the_single_overlay():
    assert render.chart("--set", "replicas=1") == render.kustomize("overlays/single")
    assert render.kustomize("overlays/single") != render.plain()


def test_chart_makes_the_monitoring_overlay():
    made = render.chart(*MONITORING)
    assert made == render.kustomize("overlays/monitoring")
    kinds = {kind for kind, _, _ in set(made) - set(render.plain())}
    assert kinds == {"Service", "ServiceMonitor", "PrometheusRule", "ConfigMap"}


def test_chart_makes_the_static_pods_overlay():
    made = render.chart(*AGENT)
    assert made == render.kustomize("overlays/static-pods")
    more = set(made) - set(render.plain())
    assert {kind for kind, _, _ in more} == {"ServiceAccount", "Role", "RoleBinding", "ClusterRole",
                                             "ClusterRoleBinding", "DaemonSet"}
    assert {name for _, _, name in more} == {"yurt-steward-node"}


def test_agent_may_write_kubeadms_configuration_only_when_asked():
    def verbs(made):
        return [rule["verbs"] for rule in role(made, "yurt-steward-node")
                if rule.get("resourceNames") == ["kubeadm-config"]]
    assert verbs(render.chart(*AGENT)) == [["get"]]
    opted_in = r"config.static-pods\.kubeadm-config=Write"
    assert verbs(render.chart(*AGENT, "--set", opted_in)) == [["get", "patch"]]


def test_chart_makes_the_config_map(tmp_path):
    config = render.config()
    values = tmp_path / "values.yaml"
    values.write_text(yaml.safe_dump({"config": config["data"]}))
    made = render.chart("--values", str(values))
    assert made[("ConfigMap", "kube-system", "yurt-steward")] == config
    assert len(made) == len(render.plain()) + 1


def test_chart_is_linted():
    done = render.helm("lint", "--strict", render.CHART, "--namespace", "kube-system", *render.KUBE,
                       *MONITORING, *AGENT)
    assert done.returncode == 0, done.stdout


def role(made, name="yurt-steward"):
    return made[("Role", "kube-system", name)]["rules"]


def test_role_follows_the_name_of_the_dns_service():
    made = render.chart("--set", r"config.dns-service\.name=coredns")
    service = [rule for rule in role(made) if rule["resources"] == ["services"]]
    assert [rule["resourceNames"] for rule in service] == [["coredns"]]


def test_another_name_is_everywhere_but_where_it_is_fixed():
    made = render.chart("--set", "name=other", *MONITORING, *AGENT)
    assert {name for _, _, name in made} == {"other", "other-dashboard", "other-node"}
    for kind in ("RoleBinding", "ClusterRoleBinding"):
        for key, item in made.items():
            if key[0] == kind:
                name = item["metadata"]["name"]
                assert item["roleRef"]["name"] == name
                assert [subject["name"] for subject in item["subjects"]] == [name]
    spec = made[("Deployment", "kube-system", "other")]["spec"]["template"]["spec"]
    assert spec["serviceAccountName"] == "other"
    named = {name for rule in role(made, "other") for name in rule.get("resourceNames", [])}
    assert "other" not in named and "yurt-steward" in named


def container(made):
    return made[("Deployment", "kube-system", "yurt-steward")]["spec"]["template"]["spec"][
        "containers"][0]


def test_image_and_arguments():
    made = render.chart("--set", "image.repository=example.org/a", "--set", "image.tag=v1",
                        "--set", "extraArgs={--log-level=debug}")
    assert container(made)["image"] == "example.org/a:v1"
    assert container(made)["args"][-1] == "--log-level=debug"
    digest = "sha256:" + 64 * "0"
    assert container(render.chart("--set", f"image.digest={digest}"))["image"] == (
        f"yurt-steward@{digest}")


def test_what_can_be_left_out():
    made = render.chart("--set", "networkPolicy.enabled=false",
                        "--set", "podDisruptionBudget.enabled=false")
    assert {kind for kind, _, _ in set(render.plain()) - set(made)} == {
        "NetworkPolicy", "PodDisruptionBudget"}


@pytest.mark.parametrize("setting", [
    "config.service-topology=enforce",
    "config.no-such-key=Enforce",
    r"config.service-topology\.gate=Maybe",
    r"config.kube-proxy-kubeconfig\.wave=0%",
    r"config.contention\.budget=often",
    "replicas=two",
    "image.tga=v1",
    "monitoring.enabled=maybe",
    "networkPolicy.apiServerPorts={0}",
    "staticPods.manifests=manifests",
])
def test_schema_refuses(setting):
    done = render.helm("template", "yurt-steward", render.CHART, "--namespace", "kube-system",
                       "--set", setting, *render.KUBE)
    assert done.returncode != 0
    assert "values don't meet the specifications of the schema" in done.stdout


def test_other_namespaces_are_refused():
    done = render.helm("template", "yurt-steward", render.CHART, "--namespace", "default",
                       *render.KUBE)
    assert done.returncode != 0
    assert "install it into kube-system" in done.stdout


def test_schema_knows_every_value():
    with open(f"{render.CHART}/values.schema.json", encoding="utf-8") as text:
        known = json.load(text)["properties"]
    with open(f"{render.CHART}/values.yaml", encoding="utf-8") as text:
        values = yaml.safe_load(text)
    assert set(known) - {"global"} == set(values)  # helm itself adds `global`
    assert set(known["config"]["properties"]) == set(render.config()["data"])
