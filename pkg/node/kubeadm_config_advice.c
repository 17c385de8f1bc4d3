/* What is said of kubeadm's configuration, and what is written. */
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/buf.h"
#include "node/kubeadm_config.h"
#include "yaml/yaml.h"
#include "json/json.h"

enum {
    MESSAGE_MAX = 4096
};

static const char data_path[] = "data/" KUBEADM_CONFIG_KEY;

static void say_lacks(const struct kubeadm_config *config, bool write,
                      struct kubeadm_config_advice *advice)
{
    AUTO(buf) struct buf out = BUF_INIT(MESSAGE_MAX);
    for (size_t i = 0; i < config->lacks.len; i++) {
        buf_printf(&out, "%s%s", i > 0 ? "; " : "", config->lacks.list[i]);
    }
    advice->reason = "KubeadmConfigLacks";
    advice->message = xasprintf(
        "ConfigMap " KUBEADM_CONFIG_NAMESPACE "/" KUBEADM_CONFIG_NAME
        ", of which the next kubeadm upgrade writes the manifests: %s. %s",
        buf_str(&out),
        write ? "It is put there"
              : "Change it there, or set static-pods.kubeadm-config: Write; else the manifests are "
                "changed again after each upgrade");
}

static void say_refusal(const struct staticpod_refusal *refusal,
                        struct kubeadm_config_advice *advice)
{
    AUTO_FREE char *place =
        refusal->line > 0 ? xasprintf(", line %zu, column %zu", refusal->line, refusal->column)
                          : xstrdup("");
    advice->reason = "KubeadmConfigRefused";
    advice->message =
        xasprintf("ConfigMap " KUBEADM_CONFIG_NAMESPACE "/" KUBEADM_CONFIG_NAME
                  ", " KUBEADM_CONFIG_KEY "%s: %.600s; whether kubeadm upgrade keeps the flags is "
                  "not known",
                  place, refusal->message);
}

static struct json_object *operation(const char *verb, const char *value, size_t len)
{
    AUTO_FREE char *path = xasprintf("/%s", data_path);
    struct json_object *object = json_new_object();
    json_set_str(object, "op", verb);
    json_set_str(object, "path", path);
    json_set_take(object, "value", json_new_str_len(value, len));
    return object;
}

void kubeadm_config_advise(const struct json_object *configmap,
                           const struct kubeadm_config_wanted *wanted, bool write,
                           struct kubeadm_config_advice *ret_advice)
{
    size_t len = 0;
    const char *text = json_get_str_len(configmap, data_path, &len);
    AUTO(kubeadm_config) struct kubeadm_config config = {0};
    *ret_advice = (struct kubeadm_config_advice){0};
    if (text == NULL) {
        return;
    }
    switch (kubeadm_config_edit(text, len, wanted, &config)) {
    case KUBEADM_CONFIG_AS_WANTED:
        break;
    case KUBEADM_CONFIG_REFUSED:
        say_refusal(&config.refusal, ret_advice);
        break;
    case KUBEADM_CONFIG_LACKS:
        say_lacks(&config, write, ret_advice);
        if (write) {
            ret_advice->patch = json_new_array();
            json_append_take(ret_advice->patch, operation("test", text, len));
            json_append_take(ret_advice->patch, operation("replace", config.text, config.len));
        }
        break;
    }
}

void kubeadm_config_advise_reverted(const struct json_object *configmap,
                                    const struct kubeadm_config_wanted *reverted,
                                    struct kubeadm_config_advice *ret_advice)
{
    static const char *const names[] = {
        "controllerManager.extraArgs: controllers has -nodelifecycle",
        "apiServer.extraArgs: kubelet-preferred-address-types has "
        "Hostname first"};
    const struct kubeadm_config_wanted each[] = {{.nodelifecycle_off = reverted->nodelifecycle_off},
                                                 {.hostname_first = reverted->hostname_first}};
    const bool asked[] = {reverted->nodelifecycle_off, reverted->hostname_first};
    size_t len = 0;
    const char *text = json_get_str_len(configmap, data_path, &len);
    AUTO(buf) struct buf out = BUF_INIT(MESSAGE_MAX);
    *ret_advice = (struct kubeadm_config_advice){0};
    for (size_t i = 0; i < ARRAY_LEN(each) && text != NULL; i++) {
        AUTO(kubeadm_config) struct kubeadm_config config = {0};
        if (asked[i] &&
            kubeadm_config_edit(text, len, &each[i], &config) == KUBEADM_CONFIG_AS_WANTED) {
            buf_printf(&out, "%s%s", out.len > 0 ? "; " : "", names[i]);
        }
    }
    if (out.len > 0) {
        ret_advice->reason = "KubeadmConfigKeeps";
        ret_advice->message =
            xasprintf("ConfigMap " KUBEADM_CONFIG_NAMESPACE "/" KUBEADM_CONFIG_NAME
                      ", of which the next kubeadm upgrade writes the manifests: %s. Take it out "
                      "there, unless it is to be so",
                      buf_str(&out));
    }
}

void kubeadm_config_advice_finish(struct kubeadm_config_advice *advice)
{
    free(advice->message);
    json_unref(advice->patch);
    *advice = (struct kubeadm_config_advice){0};
}

/* --- the patch file --- */

char *kubeadm_config_patch_file(const struct staticpod_dns *dns)
{
    AUTO(json) struct json_object *pod = json_new_object();
    json_set_str(pod, "apiVersion", "v1");
    json_set_str(pod, "kind", "Pod");
    struct json_object *spec = json_ensure_object(pod, "spec");
    json_set_str(spec, "dnsPolicy", "None");
    json_set_take(spec, "dnsConfig", staticpod_dns_config(dns));
    AUTO_FREE char *text = yaml_emit(pod);
    return xasprintf(
        "# dnsPolicy and dnsConfig of kube-apiserver, so that kubeadm keeps them: save "
        "this as DIR/" KUBEADM_CONFIG_PATCH_FILE "\n"
        "# on each control-plane node, and give DIR to kubeadm upgrade apply and "
        "kubeadm upgrade node with\n"
        "# --patches DIR (before 1.22: --experimental-patches DIR).\n"
        "%s",
        text);
}
