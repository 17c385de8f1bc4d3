/*
 * The edit of kubeadm's ClusterConfiguration: it changes the flag only, judged by reading both
 * texts as JSON; no comment is lost but one beside a flag that is removed; editing again changes
 * nothing.
 *
 * The input is taken as it is, and as what follows the head of a configuration.
 */
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "fuzz/fuzzing.h"
#include "node/kubeadm_config.h"
#include "yaml/yaml.h"
#include "json/json.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* One flag, and where it stands. */
struct target {
    struct kubeadm_config_wanted wanted;
    const char *section;
    const char *flag;
};

static const struct target targets[] = {
    {{.nodelifecycle_off = true}, "controllerManager", "controllers"},
    {{.hostname_first = true}, "apiServer", "kubelet-preferred-address-types"},
    {{.no_certificate_authority = true}, "apiServer", "kubelet-certificate-authority"},
};

static struct json_object *document_of(const char *text, size_t len)
{
    AUTO(json) struct json_object *documents = NULL;
    fuzz_require(yaml_to_json(text, len, &documents, NULL) == 0 && json_array_len(documents) == 1);
    return json_copy(json_array_at(documents, 0));
}

/* The document without the flag, without what is empty then. */
static struct json_object *without_flag(const char *text, size_t len, const struct target *target)
{
    struct json_object *document = document_of(text, len);
    struct json_object *section = json_ensure_object(document, target->section);
    const struct json_object *args = json_member(section, "extraArgs");
    if (json_is_array(args)) {
        struct json_object *rest = json_new_array();
        for (size_t i = 0; i < json_array_len(args); i++) {
            const char *name = json_get_str_or(json_array_at(args, i), "name", "");
            if (strcmp(name, target->flag) != 0) {
                json_append_take(rest, json_copy(json_array_at(args, i)));
            }
        }
        json_set_take(section, "extraArgs", rest);
    } else {
        json_del(json_ensure_object(section, "extraArgs"), target->flag);
    }
    args = json_member(section, "extraArgs");
    if (json_array_len(args) == 0 && json_object_len(args) == 0) {
        json_del(section, "extraArgs");
    }
    if (json_object_len(section) == 0) {
        json_del(document, target->section);
    }
    return document;
}

static size_t count(const char *text, size_t len, char c)
{
    size_t found = 0;
    for (size_t i = 0; i < len; i++) {
        found += text[i] == c;
    }
    return found;
}

static void check_edited(const char *text, size_t len, const struct target *target,
                         const struct kubeadm_config *config)
{
    AUTO(json) struct json_object *was = without_flag(text, len, target);
    AUTO(json) struct json_object *is = without_flag(config->text, config->len, target);
    AUTO(kubeadm_config) struct kubeadm_config again;
    fuzz_require(json_same(was, is));
    fuzz_require(config->lacks.len > 0);
    fuzz_require(target->wanted.no_certificate_authority ||
                 count(config->text, config->len, '#') >= count(text, len, '#'));
    fuzz_require(kubeadm_config_edit(config->text, config->len, &target->wanted, &again) ==
                 KUBEADM_CONFIG_AS_WANTED);
}

static void check_text(const char *text, size_t len, const struct target *target)
{
    AUTO(kubeadm_config) struct kubeadm_config config;
    switch (kubeadm_config_edit(text, len, &target->wanted, &config)) {
    case KUBEADM_CONFIG_AS_WANTED:
        fuzz_require(config.text == NULL && config.lacks.len == 0);
        break;
    case KUBEADM_CONFIG_REFUSED:
        fuzz_require(config.refusal.message != NULL && config.text == NULL &&
                     config.lacks.len == 0);
        break;
    case KUBEADM_CONFIG_LACKS:
        check_edited(text, len, target, &config);
        break;
    }
}

#define HEAD3 "apiVersion: kubeadm.k8s.io/v1beta3\nkind: ClusterConfiguration\n"
#define HEAD4 "apiVersion: kubeadm.k8s.io/v1beta4\nkind: ClusterConfiguration\n"
#define FLOW4 "{apiVersion: kubeadm.k8s.io/v1beta4, kind: ClusterConfiguration, "

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char *const heads[] = {
        "",
        HEAD3,
        HEAD4,
        HEAD3 "controllerManager:\n  extraArgs:\n    ",
        HEAD4 "apiServer:\n  extraArgs:\n  - ",
        HEAD3 "apiServer:\n  extraArgs:\n    kubelet-certificate-authority: ",
        FLOW4 "controllerManager: {extraArgs: [",
        FLOW4 "apiServer: ",
    };
    for (size_t i = 0; i < ARRAY_LEN(heads); i++) {
        size_t len;
        AUTO_FREE char *text = fuzz_join(heads[i], data, size, &len);
        for (size_t j = 0; j < ARRAY_LEN(targets); j++) {
            check_text(text, len, &targets[j]);
        }
    }
    return 0;
}
