/* The whole edit: of what kubeadm writes, of manifests edited by hand, and what is said of it. */
#include "staticpod/staticpod_edit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/buf.h"
#include "base/textdiff.h"
#include "unit/staticpod_edit_rig.h"
#include "unit/unit.h"

#define FIXTURES "test/fixtures/"
#define GOLDEN "test/golden/staticpod/"

static const struct {
    const char *in;
    const char *golden;
    const struct staticpod_wanted *wanted;
} files[] = {
    {FIXTURES "kubeadm-1.20.2/kube-controller-manager.yaml",
     GOLDEN "kubeadm-1.20.2-kube-controller-manager.txt", &rig_controllers},
    {FIXTURES "kubeadm-1.37.2/kube-controller-manager.yaml",
     GOLDEN "kubeadm-1.37.2-kube-controller-manager.txt", &rig_controllers},
    {FIXTURES "kubeadm-1.20.2/kube-apiserver.yaml", GOLDEN "kubeadm-1.20.2-kube-apiserver.txt",
     &rig_apiserver},
    {FIXTURES "kubeadm-1.37.2/kube-apiserver.yaml", GOLDEN "kubeadm-1.37.2-kube-apiserver.txt",
     &rig_apiserver},
    {GOLDEN "by-hand-kube-controller-manager.yaml", GOLDEN "by-hand-kube-controller-manager.txt",
     &rig_controllers},
    {GOLDEN "by-hand-kube-apiserver.yaml", GOLDEN "by-hand-kube-apiserver.txt", &rig_apiserver},
};

/* The sentences, then the diff. */
START_TEST(edits_files)
{
    size_t len;
    AUTO_FREE char *in = unit_read_file(files[_i].in, &len);
    AUTO(staticpod_edit) struct staticpod_edit edit;
    staticpod_edit(in, len, files[_i].wanted, &edit);
    ck_assert_msg(edit.outcome == STATICPOD_EDITED, "%s", edit.refusal.message);
    AUTO(buf) struct buf out = BUF_INIT(1 << 20);
    for (size_t i = 0; i < edit.changes.len; i++) {
        buf_printf(&out, "%s\n", edit.changes.list[i]);
    }
    AUTO_FREE char *diff = textdiff_unified(in, edit.text, "before", "after");
    buf_puts(&out, diff);
    unit_golden(files[_i].golden, out.data);
    rig_check_edited(files[_i].wanted, in, edit.text);
}
END_TEST

/* What is not asked for is left alone. */
START_TEST(edits_only_what_is_wanted)
{
    const struct staticpod_wanted nothing[] = {{.component = STATICPOD_CONTROLLER_MANAGER},
                                               {.component = STATICPOD_APISERVER}};
    AUTO_FREE char *manager = unit_read_file(files[0].in, NULL);
    AUTO_FREE char *server = unit_read_file(files[2].in, NULL);
    rig_check_as_wanted(&nothing[0], manager);
    rig_check_as_wanted(&nothing[1], server);
    rig_check_as_wanted(&rig_authority, server);
    /* the other component's wishes are not its own */
    struct staticpod_wanted both = rig_apiserver;
    both.component = STATICPOD_CONTROLLER_MANAGER;
    rig_check_as_wanted(&both, manager);
}
END_TEST

/* One refusal refuses all: the parts make sense together only. */
START_TEST(refuses_as_a_whole)
{
    static const char in[] = POD API "    - --kubelet-preferred-address-types=InternalIP\n"
                                     "    - &a --kubelet-certificate-authority=/ca\n";
    rig_check_refused(&rig_apiserver, in, strlen(in), 11, 7, "has an anchor");
}
END_TEST

/* Lines that are none to an editor: what would take another flag along is refused. */
START_TEST(refuses_odd_line_breaks)
{
    static const char in[] = POD API "    - --kubelet-certificate-authority=/ca # a\xc2\x85"
                                     "    - --a=b\n";
    rig_check_refused(&rig_authority, in, strlen(in), 7, 5, "without changing anything else");
}
END_TEST

/* A list that was closed behind the item, whose comma goes nowhere. */
START_TEST(refuses_what_breaks)
{
    static const char in[] = POD "  containers:\n  - command: [kube-apiserver]\n"
                                 "    args: [--kubelet-certificate-authority=/ca,]\n";
    rig_check_refused(&rig_authority, in, strlen(in), 7, 5, "without changing anything else");
}
END_TEST

static Suite *suite(void)
{
    Suite *suite = suite_create("staticpod_edit");
    TCase *rows = tcase_create("rows");
    tcase_add_loop_test(rows, edits_files, 0, ARRAY_LEN(files));
    tcase_add_test(rows, edits_only_what_is_wanted);
    tcase_add_test(rows, refuses_as_a_whole);
    tcase_add_test(rows, refuses_odd_line_breaks);
    tcase_add_test(rows, refuses_what_breaks);
    suite_add_tcase(suite, rows);
    return suite;
}

int main(void)
{
    return unit_main(suite());
}
