#include "node/kubeadm_config.h"

#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "node/kubeadm_config_document.h"
#include "node/kubeadm_config_text.h"
#include "staticpod/staticpod_controllers.h"

/* A flag that is a list of words. */
struct list_flag {
    const char *section;
    const char *name;
    const char *usual; /* what kubeadm writes where extraArgs say nothing (phases/controlplane) */
    struct staticpod_new_value (*rule)(const char *const *values, size_t count);
};

static const struct list_flag controllers = {"controllerManager", "controllers",
                                             "*,bootstrapsigner,tokencleaner",
                                             staticpod_controllers_off};
static const struct list_flag address_types = {"apiServer", "kubelet-preferred-address-types",
                                               "InternalIP,ExternalIP,Hostname",
                                               staticpod_hostname_first};

/* Makes the change in config->text, which it replaces. */
static int make(struct kubeadm_config *config, const struct kubeadm_config_document *document,
                const struct kubeadm_config_place *place,
                const struct kubeadm_config_change *change)
{
    char *text;
    size_t len;
    if (kubeadm_config_change(document, place, change, &text, &len, &config->refusal) < 0) {
        return -1;
    }
    free(config->text);
    config->text = text;
    config->len = len;
    return 0;
}

static int add_list(struct kubeadm_config *config, const struct kubeadm_config_document *document,
                    const struct kubeadm_config_place *place, const struct list_flag *flag)
{
    struct staticpod_new_value value = flag->rule(&flag->usual, 1);
    const struct kubeadm_config_change change = {.verb = KUBEADM_CONFIG_ADD,
                                                 .section = flag->section,
                                                 .flag = flag->name,
                                                 .value = value.value};
    int result = make(config, document, place, &change);
    staticpod_say(&config->lacks, "%s.extraArgs lacks %s: %s", flag->section, flag->name,
                  value.value);
    free(value.value);
    return result;
}

static int change_list(struct kubeadm_config *config,
                       const struct kubeadm_config_document *document,
                       const struct kubeadm_config_place *place, const struct list_flag *flag,
                       const struct kubeadm_config_values *values)
{
    struct staticpod_new_value value = flag->rule(values->list, values->len);
    int result = 0;
    if (value.change) {
        const struct kubeadm_config_change change = {.verb = KUBEADM_CONFIG_SET,
                                                     .section = flag->section,
                                                     .flag = flag->name,
                                                     .entry = values->entries[value.index],
                                                     .value = value.value};
        staticpod_say(&config->lacks, "%s.extraArgs has %s: %.200s, not %.200s", flag->section,
                      flag->name, values->list[value.index], value.value);
        result = make(config, document, place, &change);
    }
    free(value.value);
    return result;
}

/* Quotes and line breaks in it are CSV to kube-controller-manager, which is not read here. */
static int check_values(struct kubeadm_config *config,
                        const struct kubeadm_config_document *document, const char *flag,
                        const struct kubeadm_config_values *values)
{
    for (size_t i = 0; i < values->len; i++) {
        if (strpbrk(values->list[i], "\"\r\n") != NULL) {
            return kubeadm_config_refuse(&config->refusal, document, NULL,
                                         "%s has a quote or a line break in its value: write it "
                                         "without",
                                         flag);
        }
    }
    return 0;
}

static int want_list(struct kubeadm_config *config, const struct list_flag *flag)
{
    AUTO_FREE char *text = xstrndup(config->text, config->len);
    AUTO(kubeadm_config_document) struct kubeadm_config_document document = {0};
    AUTO(kubeadm_config_values) struct kubeadm_config_values values = {0};
    struct kubeadm_config_place place;
    if (kubeadm_config_document_read(text, config->len, &document, &config->refusal) < 0 ||
        kubeadm_config_find(&document, flag->section, &place, &config->refusal) < 0 ||
        kubeadm_config_values_find(&document, &place, flag->section, flag->name, &values,
                                   &config->refusal) < 0 ||
        check_values(config, &document, flag->name, &values) < 0) {
        return -1;
    }
    return values.len == 0 ? add_list(config, &document, &place, flag)
                           : change_list(config, &document, &place, flag, &values);
}

/* Removes one occurrence. ret_more: there was one. */
static int drop_authority(struct kubeadm_config *config, bool *ret_more)
{
    static const char section[] = "apiServer";
    static const char flag[] = "kubelet-certificate-authority";
    AUTO_FREE char *text = xstrndup(config->text, config->len);
    AUTO(kubeadm_config_document) struct kubeadm_config_document document = {0};
    AUTO(kubeadm_config_values) struct kubeadm_config_values values = {0};
    struct kubeadm_config_place place;
    if (kubeadm_config_document_read(text, config->len, &document, &config->refusal) < 0 ||
        kubeadm_config_find(&document, section, &place, &config->refusal) < 0 ||
        kubeadm_config_values_find(&document, &place, section, flag, &values, &config->refusal) <
            0) {
        return -1;
    }
    *ret_more = values.len > 0 && *values.list[values.len - 1] != '\0'; /* the last one counts */
    if (!*ret_more) {
        return 0;
    }
    const struct kubeadm_config_change change = {.verb = KUBEADM_CONFIG_REMOVE,
                                                 .section = section,
                                                 .flag = flag,
                                                 .entry = values.entries[values.len - 1]};
    staticpod_say(&config->lacks, "%s.extraArgs still has %s: %.200s", section, flag,
                  values.list[values.len - 1]);
    return make(config, &document, &place, &change);
}

static int want_no_authority(struct kubeadm_config *config)
{
    bool more = true;
    while (more) {
        if (drop_authority(config, &more) < 0) {
            return -1;
        }
    }
    return 0;
}

static int want_all(struct kubeadm_config *config, const struct kubeadm_config_wanted *wanted)
{
    if ((wanted->nodelifecycle_off && want_list(config, &controllers) < 0) ||
        (wanted->hostname_first && want_list(config, &address_types) < 0) ||
        (wanted->no_certificate_authority && want_no_authority(config) < 0)) {
        return -1;
    }
    return 0;
}

enum kubeadm_config_outcome kubeadm_config_edit(const char *text, size_t len,
                                                const struct kubeadm_config_wanted *wanted,
                                                struct kubeadm_config *ret_config)
{
    *ret_config = (struct kubeadm_config){.text = xstrndup(text, len), .len = len};
    if (memchr(text, '\0', len) != NULL) {
        ret_config->refusal.message = xstrdup("it holds a NUL byte");
        ret_config->outcome = KUBEADM_CONFIG_REFUSED;
    } else if (want_all(ret_config, wanted) < 0) {
        ret_config->outcome = KUBEADM_CONFIG_REFUSED;
    } else if (ret_config->lacks.len > 0) {
        ret_config->outcome = KUBEADM_CONFIG_LACKS;
        return KUBEADM_CONFIG_LACKS;
    }
    staticpod_sentences_finish(&ret_config->lacks);
    free(ret_config->text);
    ret_config->text = NULL;
    ret_config->len = 0;
    return ret_config->outcome;
}

void kubeadm_config_finish(struct kubeadm_config *config)
{
    free(config->text);
    staticpod_sentences_finish(&config->lacks);
    staticpod_refusal_finish(&config->refusal);
    *config = (struct kubeadm_config){0};
}
