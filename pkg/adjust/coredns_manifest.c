#include "adjust/coredns_manifest.h"

#include <string.h>

#include "yaml/yaml.h"

/*
 * The assembler puts the file in, so that there is one copy of it, for people and for the program.
 * The path is seen from the top of the tree, where make runs the compiler.
 */
__asm__(".pushsection .rodata\n"
        "coredns_manifest_start:\n"
        ".incbin \"manifests/coredns-daemonset.yaml\"\n"
        "coredns_manifest_end:\n"
        ".byte 0\n"
        ".popsection\n");

extern const char coredns_manifest_start[];
extern const char coredns_manifest_end[];

int coredns_manifest_template(struct json_object **ret_template, struct err *err)
{
    AUTO(json) struct json_object *documents = NULL;
    size_t len = (size_t)(coredns_manifest_end - coredns_manifest_start);
    if (yaml_to_json(coredns_manifest_start, len, &documents, err) < 0) {
        return err_wrap(err, "manifests/coredns-daemonset.yaml");
    }
    for (size_t i = 0; i < json_array_len(documents); i++) {
        const struct json_object *document = json_array_at(documents, i);
        if (strcmp(json_get_str_or(document, "kind", ""), "DaemonSet") == 0) {
            *ret_template = json_ref(json_get(document, "spec/template"));
            return 0;
        }
    }
    return err_set(err, ERR_INVALID, "manifests/coredns-daemonset.yaml has no DaemonSet");
}
