"""The man page and the completions: complete, well-formed, and at work in each shell."""

import os
import re
import subprocess

import pytest

import render

PROGRAM = os.environ.get("YURT_STEWARD", os.path.join(render.ROOT, "build", "yurt-steward"))


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    output = tmp_path_factory.mktemp("man")
    subprocess.run([os.path.join(render.ROOT, "hack", "man"), "--program", PROGRAM,
                    "--output", str(output)], check=True)
    return output


def help_of(*verb):
    return subprocess.run([PROGRAM, *verb, "--help"], check=True, stdout=subprocess.PIPE,
                          text=True).stdout


def verbs():
    return re.findall(r"^  (\w+) ", help_of().split("Verbs:\n")[1], re.M)


def flags_of(verb):
    return set(re.findall(r"^  (?:-\w, )?(--[\w-]+)", help_of(verb), re.M))


def test_page_is_well_formed(made):
    done = subprocess.run(["mandoc", "-T", "lint", "-W", "warning", str(made / "yurt-steward.1")],
                          stdout=subprocess.PIPE, text=True, check=False)
    # what it was made from has no date
    assert [line for line in done.stdout.splitlines() if "missing date" not in line] == []


def test_page_has_everything(made):
    text = subprocess.run(["mandoc", "-T", "utf8", "-O", "width=1000",
                           str(made / "yurt-steward.1")],
                          stdout=subprocess.PIPE, text=True, check=True).stdout
    text = re.sub(r".\x08", "", text)  # bold and underlined, as a printer does it
    sections = dict(re.findall(r"^   yurt-steward (\w+)(.*?)(?=^   yurt-steward |^[A-Z])", text,
                               re.M | re.S))
    assert list(sections) == verbs()
    for verb, section in sections.items():
        assert flags_of(verb) == set(re.findall(r"^ +(?:-\w, )?(--[\w-]+)", section, re.M))
    for key, default in render.config()["data"].items():
        assert re.search(rf"^ +{re.escape(key)}", text, re.M), key
        assert default in text
    for mode in ("Enforce", "Observe", "Revert", "Ignore"):
        assert re.search(rf"^ +{mode}$", text, re.M)


def bash(made, *words):
    script = """
        source "$1"; shift
        COMP_WORDS=("$@") COMP_CWORD=$(($# - 1))
        _yurt_steward "$1" "${@: -1}" "${@: -2:1}"
        printf '%s\\n' "${COMPREPLY[@]}"
    """
    return subprocess.run(["bash", "-c", script, "bash", made / "completions/yurt-steward.bash",
                           "yurt-steward", *words], check=True, stdout=subprocess.PIPE,
                          text=True).stdout.split()


def fish(made, *words):
    line = " ".join(["yurt-steward", *words])
    script = f"source {made}/completions/yurt-steward.fish; complete -C '{line}'"
    done = subprocess.run(["fish", "--no-config", "-c", script], check=True, text=True,
                          stdout=subprocess.PIPE, env={**os.environ, "HOME": str(made)})
    return [row.split("\t")[0] for row in done.stdout.splitlines()]


def zsh(made, *words):
    """What zsh adds as matches; asked within a completion widget of a terminal of its own."""
    script = r"""
        zmodload zsh/zpty
        zpty shell zsh -f -i
        zpty -w shell 'PS1=; fpath=($DIR $fpath); autoload -Uz compinit; compinit -u -D'
        zpty -w shell 'compadd() { builtin compadd -A found -D nothing "$@"; builtin compadd "$@";
                       print -rl -- "${found[@]}" >>$DIR/found }'
        zpty -w shell 'finished() { print done >>$DIR/found }
                       zle -C ask complete-word ask; ask() { _main_complete; finished }
                       bindkey "^I" ask; print ready >>$DIR/ready'
        zmodload zsh/zselect
        wait_for() { until [[ -s $1 ]] && grep -q $2 $1; do
            zpty -r -t shell text; zselect -t 5; ((SECONDS > 60)) && exit 1; done }
        wait_for $DIR/ready ready
        zpty -w -n shell "$LINE_TO_COMPLETE"$'\t'
        wait_for $DIR/found done
        zpty -d shell
    """
    directory = made / "completions"
    for name in ("found", "ready"):
        (directory / name).unlink(missing_ok=True)
    subprocess.run(["zsh", "-f", "-c", script], check=True,
                   env={**os.environ, "DIR": str(directory), "HOME": str(made), "TERM": "dumb",
                        "LINE_TO_COMPLETE": " ".join(["yurt-steward", *words])})
    return (directory / "found").read_text().splitlines()[:-1]


SHELLS = [bash, zsh, fish]


@pytest.mark.parametrize("shell", SHELLS)
def test_verbs(made, shell):
    assert set(verbs()) <= set(shell(made, ""))
    assert "plan" in shell(made, "pl") and "status" not in shell(made, "pl")


@pytest.mark.parametrize("shell", SHELLS)
@pytest.mark.parametrize("verb", ["run", "node", "plan", "status", "apply", "revert"])
def test_flags(made, shell, verb):
    assert flags_of(verb) | {"--help"} == {word for word in shell(made, verb, "--")
                                           if word.startswith("--")}


@pytest.mark.parametrize("shell", SHELLS)
def test_values(made, shell):
    assert set(shell(made, "run", "--log-level", "")) == {"debug", "info", "warn", "error"}
    assert shell(made, "plan", "-o", "j") == ["json"]


@pytest.mark.parametrize("shell", SHELLS)
def test_adjustments(made, shell):
    known = {key for key in render.config()["data"] if "." not in key}
    assert known <= set(shell(made, "apply", ""))
    assert not known & set(shell(made, "status", ""))


@pytest.mark.parametrize("shell", SHELLS)
@pytest.mark.parametrize("words, expected", [(("status", "--kubeconfig"), "kubeconfig-of-mine"),
                                             (("node", "--manifests"), "kube-manifests"),
                                             (("plan", "--from"), "kube-manifests")])
def test_files(made, shell, words, expected, tmp_path):
    (tmp_path / "kubeconfig-of-mine").write_text("")
    (tmp_path / "kube-manifests").mkdir()
    found = shell(made, *words, f"{tmp_path}/kube")
    assert any(word.rstrip("/").endswith(expected) for word in found)
