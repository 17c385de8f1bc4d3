/*
 * kubeadm's own record of the control plane's flags, so that `kubeadm upgrade` keeps ours.
 *
 * The ClusterConfiguration is a text in ConfigMap kube-system/kubeadm-config, of which kubeadm
 * writes the manifests anew. The edit of it changes bytes and keeps the rest; the result is parsed
 * again and must be what was there but for our flags. What cannot be edited with certainty is
 * refused, with the place. dnsPolicy and dnsConfig have no place in it: those need a patch file on
 * each control-plane node. Pure.
 */
#ifndef NODE_KUBEADM_CONFIG_H
#define NODE_KUBEADM_CONFIG_H

#include <json-c/json_types.h>
#include <stdbool.h>
#include <stddef.h>

#include "base/cleanup.h"
#include "staticpod/staticpod_dns.h"
#include "staticpod/staticpod_manifest.h"
#include "staticpod/staticpod_sentences.h"

enum {
    KUBEADM_CONFIG_TEXT_MAX = 1 << 20 /* a ConfigMap's data is no larger */
};

#define KUBEADM_CONFIG_NAMESPACE "kube-system"
#define KUBEADM_CONFIG_NAME "kubeadm-config"
#define KUBEADM_CONFIG_KEY "ClusterConfiguration"
#define KUBEADM_CONFIG_PATCH_FILE "kube-apiserver+strategic.yaml"

/* What is to be in force; false: not looked at. */
struct kubeadm_config_wanted {
    bool nodelifecycle_off;
    bool hostname_first;
    bool no_certificate_authority;
};

enum kubeadm_config_outcome {
    KUBEADM_CONFIG_AS_WANTED, /* nothing is lacking */
    KUBEADM_CONFIG_LACKS,     /* `lacks` says what; `text` is what to write */
    KUBEADM_CONFIG_REFUSED,   /* `refusal` says why */
};

struct kubeadm_config {
    enum kubeadm_config_outcome outcome;
    char *text; /* LACKS: the new text, NUL-terminated behind `len` */
    size_t len;
    struct staticpod_sentences lacks; /* LACKS: one for each flag */
    struct staticpod_refusal refusal; /* REFUSED; `unrelated` is not used */
};

/* For a text. Sets all of ret_config, which is released by kubeadm_config_finish. */
enum kubeadm_config_outcome kubeadm_config_edit(const char *text, size_t len,
                                                const struct kubeadm_config_wanted *wanted,
                                                struct kubeadm_config *ret_config);
void kubeadm_config_finish(struct kubeadm_config *config);
DEFINE_AUTO_FINISH(kubeadm_config, struct kubeadm_config, kubeadm_config_finish)

/* What is said of it, and done. */
struct kubeadm_config_advice {
    const char *reason;        /* KubeadmConfigLacks, KubeadmConfigRefused; NULL: nothing to say */
    char *message;             /* what lacks, what happens then, what to do; NULL with `reason` */
    struct json_object *patch; /* a JSON patch (RFC 6902) of the ConfigMap, with a test of what was
                                  read; NULL: nothing to write */
};

/*
 * For the ConfigMap (NULL: there is none, kubeadm did not make this cluster: nothing is said).
 * `write`: static-pods.kubeadm-config is Write; else only the message is made.
 */
void kubeadm_config_advise(const struct json_object *configmap,
                           const struct kubeadm_config_wanted *wanted, bool write,
                           struct kubeadm_config_advice *ret_advice);
/*
 * For a Revert, when the manifests are as they were before: KubeadmConfigKeeps where kubeadm's
 * configuration still has a flag, which the next upgrade would bring back. Nothing is written.
 */
void kubeadm_config_advise_reverted(const struct json_object *configmap,
                                    const struct kubeadm_config_wanted *reverted,
                                    struct kubeadm_config_advice *ret_advice);
void kubeadm_config_advice_finish(struct kubeadm_config_advice *advice);
DEFINE_AUTO_FINISH(kubeadm_config_advice, struct kubeadm_config_advice,
                   kubeadm_config_advice_finish)

/*
 * The content of KUBEADM_CONFIG_PATCH_FILE, whose comments say how it is used. Owned by the caller
 * (free).
 */
char *kubeadm_config_patch_file(const struct staticpod_dns *dns);

#endif
