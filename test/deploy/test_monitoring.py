"""Rules and dashboard ask for metrics that there are, with labels that they have."""

import json
import os
import re
import subprocess

import pytest
import yaml

import render

OVERLAY = os.path.join(render.DEPLOY, "overlays", "monitoring")
# What a histogram is served as.
SUFFIXES = ("_bucket", "_sum", "_count")
# PromQL, and the labels that Prometheus adds.
WORDS = {"absent", "and", "by", "histogram_quantile", "increase", "max", "on", "rate", "sum",
         "label_values"}
SCRAPE_LABELS = {"instance", "job", "le"}


def readme_metrics():
    """{metric: its labels}, from the table in README.md, which is tested against the program."""
    with open(os.path.join(render.ROOT, "README.md"), encoding="utf-8") as text:
        rows = re.findall(r"^\| `([a-z_]+)(?:\{([a-z,]+)\})?` \| (?:counter|gauge|histogram) \|",
                          text.read(), re.M)
    assert rows
    return {name: set(labels.split(",")) - {""} for name, labels in rows}


def rules():
    with open(os.path.join(OVERLAY, "prometheusrule.yaml"), encoding="utf-8") as text:
        return [rule for group in yaml.safe_load(text)["spec"]["groups"] for rule in group["rules"]]


def dashboard():
    with open(os.path.join(OVERLAY, "yurt-steward.json"), encoding="utf-8") as text:
        return json.load(text)


def expressions():
    found = [rule["expr"] for rule in rules()]
    for panel in dashboard()["panels"]:
        found += [target["expr"] for target in panel["targets"]]
    found += [variable["query"] for variable in dashboard()["templating"]["list"]
              if variable["type"] == "query"]
    return found


def base_name(name, metrics):
    for suffix in SUFFIXES:
        if name.endswith(suffix) and name.removesuffix(suffix) in metrics:
            return name.removesuffix(suffix)
    return name


@pytest.mark.parametrize("expression", expressions())
def test_metrics_and_labels_exist(expression):
    metrics = readme_metrics()
    text = re.sub(r'"[^"]*"', '""', expression)
    text = re.sub(r"\[[^]]*\]", "", text)
    labels = set()
    for group in re.findall(r"\{([^}]*)\}", text):
        labels |= set(re.findall(r"([a-z_]+)\s*[=!]", group))
    for group in re.findall(r"\b(?:by|on)\s*\(([^)]*)\)", text):
        labels |= set(re.split(r"[\s,]+", group.strip()))
    text = re.sub(r"\{[^}]*\}|\b(?:by|on)\s*\([^)]*\)", "", text)
    names = {base_name(name, metrics) for name in re.findall(r"[a-z_]{2,}", text)} - WORDS - {"job"}
    assert names, "it asks for no metric"
    assert names <= set(metrics)
    assert labels <= SCRAPE_LABELS.union(*(metrics[name] for name in names))


def test_alerts_are_whole():
    alerts = [rule["alert"] for rule in rules()]
    assert len(alerts) == len(set(alerts))
    for rule in rules():
        assert rule["labels"]["severity"] in ("critical", "warning")
        assert rule["annotations"]["summary"] and rule["annotations"]["description"]


def test_dashboard_is_whole():
    panels = dashboard()["panels"]
    assert len({panel["id"] for panel in panels}) == len(panels)
    taken = {(panel["gridPos"]["x"], panel["gridPos"]["y"]) for panel in panels}
    assert len(taken) == len(panels)


def promtool(*arguments):
    path = subprocess.run([os.path.join(render.ROOT, "hack", "promtool")], check=True,
                          stdout=subprocess.PIPE, text=True).stdout.strip()
    return subprocess.run([path, *arguments], stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                          text=True, check=False)


def write_rules(tmp_path):
    with open(os.path.join(OVERLAY, "prometheusrule.yaml"), encoding="utf-8") as text:
        (tmp_path / "rules.yaml").write_text(yaml.safe_dump(yaml.safe_load(text)["spec"]))


def test_promtool_takes_the_rules(tmp_path):
    write_rules(tmp_path)
    done = promtool("check", "rules", "--lint-fatal", str(tmp_path / "rules.yaml"))
    assert done.returncode == 0, done.stdout


def leader(values):
    return [{"series": f'leader_election_master_status{{instance="{name}",name="yurt-steward"}}',
             "values": value} for name, value in values.items()]


def state(instance, value):
    return {"series": f'yurt_steward_adjustment_state{{instance="{instance}",state="Held",'
                      'adjustment="service-topology"}', "values": value}


def mode(word, value="1x150"):
    return {"series": f'yurt_steward_adjustment_mode{{instance="a",mode="{word}",'
                      'adjustment="service-topology"}', "values": value}


BUILD = {"series": 'yurt_steward_build_info{instance="a",version="v1"}', "values": "1x150"}
CASES = {
    "nothing runs": ([], {"YurtStewardAbsent"}),
    "all is well": ([BUILD, *leader({"a": "1x150", "b": "0x150"}),
                     {"series": 'yurt_steward_api_server_up{instance="a"}', "values": "1x150"},
                     {"series": 'yurt_steward_said_total{instance="a",reason="Contended",'
                                'adjustment="service-topology"}', "values": "0x150"},
                     state("a", "0x150"), mode("Enforce")], set()),
    "nobody leads": ([BUILD, *leader({"a": "0x150", "b": "0x150"})], {"YurtStewardNoLeader"}),
    "the API server is down": (
        [BUILD, {"series": 'yurt_steward_api_server_up{instance="a"}', "values": "0x150"}],
        {"YurtStewardApiServerDown"}),
    "one input is blind": (
        [BUILD, {"series": 'yurt_steward_verified_age_seconds{instance="a",input="nodes"}',
                 "values": "0+60x150"}], {"YurtStewardNotReady"}),
    "a rival": ([BUILD, {"series": 'yurt_steward_said_total{instance="a",reason="Contended",'
                                   'adjustment="service-topology"}',
                         "values": "0x100 1x50"}], {"YurtStewardContended"}),
    "held": ([BUILD, *leader({"a": "1x150"}), state("a", "1x150"), mode("Enforce")],
             {"YurtStewardAdjustmentHeld"}),
    "held, but only observed": ([BUILD, *leader({"a": "1x150"}), state("a", "1x150"),
                                 mode("Enforce", "0x150"), mode("Observe")], set()),
    "held, as a standby remembers it": (
        [BUILD, *leader({"a": "0x150", "b": "1x150"}), state("a", "1x150"), state("b", "0x150"),
         mode("Enforce")], set()),
    "writes fail": ([BUILD, {"series": 'yurt_steward_said_total{instance="a",reason="WriteFailed",'
                                       'adjustment="service-topology"}', "values": "0+1x150"}],
                    {"YurtStewardWritesFail"}),
}


@pytest.mark.parametrize("case", CASES)
def test_which_alerts_fire(tmp_path, case):
    series, expected = CASES[case]
    write_rules(tmp_path)
    firing = set()
    for rule in rules():
        # promtool compares whole alerts, annotations too: whether one fires is asked by saying
        # that it does not.
        (tmp_path / "test.yaml").write_text(yaml.safe_dump({
            "rule_files": ["rules.yaml"], "evaluation_interval": "1m",
            "tests": [{"interval": "1m", "input_series": series,
                       "alert_rule_test": [{"eval_time": "120m", "alertname": rule["alert"],
                                            "exp_alerts": []}]}]}))
        done = promtool("test", "rules", str(tmp_path / "test.yaml"))
        if done.returncode != 0:
            assert "got:[" in done.stdout.replace("\n", "").replace(" ", ""), done.stdout
            firing.add(rule["alert"])
    assert firing == expected
